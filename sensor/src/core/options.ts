/**
 * Options of a sensor in `SENSORS`, e.g. `ina219@1:0x40?shunt_ohm=0.1&max_ampere=3.2`: numbers with
 * their unit in the name. One option every chip has: `stuck_after`.
 */

export interface OptionSpec {
  readonly fallback: number;
  readonly min: number;
  readonly max: number;
  /** The only values allowed; missing = every number from `min` to `max`. */
  readonly only?: readonly number[];
  readonly help: string;
}

export type OptionTable = Readonly<Record<string, OptionSpec>>;
export type SensorOptions = Readonly<Record<string, number>>;

export const STUCK_OPTION = 'stuck_after';

/** What the grammar of `SENSORS` needs to know of a driver. */
export interface DriverForm {
  readonly addresses: readonly number[];
  readonly options?: OptionTable;
  /** Whether the options make sense together. */
  readonly sensible?: (options: SensorOptions) => boolean;
}

/** An option that can have certain values only. */
export function choice(fallback: number, only: readonly number[], help: string): OptionSpec {
  return { fallback, min: Math.min(...only), max: Math.max(...only), only, help };
}

const STUCK_AFTER: OptionSpec = { fallback: 0, min: 0, max: 1_000_000, help: '' };

/** The value of an option that `defaultOptions` has filled in. */
export function optionOf(options: SensorOptions, name: string): number {
  const value = options[name];
  if (value === undefined) throw new TypeError(`the driver has no option ${name}`);
  return value;
}

export function defaultOptions(table: OptionTable = {}): SensorOptions {
  return Object.fromEntries(Object.entries(table).map(([name, spec]) => [name, spec.fallback]));
}

/**
 * `name=value&name=value`, the defaults filled in.
 * @throws RangeError for an unknown name, a repetition, a value that is no number or not allowed
 */
export function parseOptions(text: string, form: DriverForm): SensorOptions {
  const given: Record<string, number> = {};
  for (const part of text.split('&')) {
    const [, name = '', raw = ''] = /^([a-z][a-z0-9_]*)=(-?\d+(?:\.\d+)?)$/.exec(part) ?? [];
    if (Object.hasOwn(given, name)) throw new RangeError('option given twice');
    given[name] = allowed(Number(raw), specOf(name, form.options ?? {}));
  }
  const stuck = given[STUCK_OPTION];
  if (stuck !== undefined && (!Number.isInteger(stuck) || stuck === 1)) {
    throw new RangeError('not a number of readings');
  }
  const options = { ...defaultOptions(form.options), ...given };
  if (form.sensible?.(options) === false) throw new RangeError('options contradict each other');
  return options;
}

function specOf(name: string, table: OptionTable): OptionSpec {
  if (name === STUCK_OPTION) return STUCK_AFTER;
  const spec = Object.hasOwn(table, name) ? table[name] : undefined;
  if (spec === undefined) throw new RangeError('no such option');
  return spec;
}

function allowed(value: number, { min, max, only }: OptionSpec): number {
  if (!(value >= min && value <= max)) throw new RangeError('out of range');
  if (only !== undefined && !only.includes(value)) throw new RangeError('not one of the values');
  return value;
}
