/**
 * What a quantity is called and measured in: the unit is the end of the field's name (contract,
 * section 2). Names that nobody here knows are shown too, without a unit.
 */

export interface Unit {
  /** For people. */
  readonly unit: string;
  /** The id of the unit in Grafana. */
  readonly grafana: string;
}

/** End of a name -> unit. The ids on the right are those of Grafana's value formats. */
const UNITS: Readonly<Record<string, Unit>> = {
  celsius: { unit: '°C', grafana: 'celsius' },
  fahrenheit: { unit: '°F', grafana: 'fahrenheit' },
  kelvin: { unit: 'K', grafana: 'kelvin' },
  percent: { unit: '%', grafana: 'percent' },
  hpa: { unit: 'hPa', grafana: 'pressurehpa' },
  lux: { unit: 'lx', grafana: 'lux' },
  ppm: { unit: 'ppm', grafana: 'ppm' },
  volt: { unit: 'V', grafana: 'volt' },
  millivolt: { unit: 'mV', grafana: 'mvolt' },
  ampere: { unit: 'A', grafana: 'amp' },
  milliampere: { unit: 'mA', grafana: 'mamp' },
  watt: { unit: 'W', grafana: 'watt' },
  ohm: { unit: 'Ω', grafana: 'ohm' },
  bytes: { unit: 'B', grafana: 'bytes' },
  seconds: { unit: 's', grafana: 's' },
  ms: { unit: 'ms', grafana: 'ms' },
  metre: { unit: 'm', grafana: 'lengthm' },
  hertz: { unit: 'Hz', grafana: 'rothz' },
};

const NONE: Unit = { unit: '', grafana: 'short' };
const SPECIAL: Readonly<Record<string, readonly [label: string, unit: Unit]>> = {
  humidity_percent: ['Humidity', { unit: '%', grafana: 'humidity' }],
  co2_ppm: ['CO₂', { unit: 'ppm', grafana: 'ppm' }],
  cpu_temperature_celsius: ['CPU temperature', { unit: '°C', grafana: 'celsius' }],
  load_1m: ['Load, 1 minute', NONE],
  clock_synchronised: ['Clock synchronised', { unit: '', grafana: 'bool_yes_no' }],
};

/** The parts of a quantity's name; the unit's id in Grafana is `short` where there is no unit. */
export function describe(quantity: string): Unit & { readonly label: string } {
  const special = Object.hasOwn(SPECIAL, quantity) ? SPECIAL[quantity] : undefined;
  if (special !== undefined) return { label: special[0], ...special[1] };
  const at = quantity.lastIndexOf('_');
  const end = quantity.slice(at + 1);
  const unit = at > 0 && Object.hasOwn(UNITS, end) ? UNITS[end] : undefined;
  const words = (unit === undefined ? quantity : quantity.slice(0, at)).replaceAll('_', ' ').trim();
  const label = words === '' ? quantity : `${words[0]?.toUpperCase()}${words.slice(1)}`;
  return { label, ...(unit ?? NONE) };
}

/** What people look for first stands first; everything else by name. */
const ORDER = ['temperature_', 'humidity_', 'pressure_', 'co2_', 'illuminance_', 'voltage_'];

export function byImportance(a: string, b: string): number {
  const rank = (name: string) => {
    const index = ORDER.findIndex((start) => name.startsWith(start));
    return index === -1 ? ORDER.length : index;
  };
  return rank(a) - rank(b) || (a < b ? -1 : a > b ? 1 : 0);
}
