/** What looking for sensors has come to, as it stands in the status: address by address. */
import { addressText } from './sensor-list.ts';

export interface Attempt {
  readonly bus: number;
  /** undefined: the bus itself failed, no address was tried. */
  readonly address: number | undefined;
  readonly driver: string;
  /**
   * `found`; `in use` by a sensor named or found before; `no answer`; `another chip`; `bus failed`;
   * otherwise the code of the failure.
   */
  readonly outcome: string;
}

const NOBODY: readonly string[] = ['ENXIO', 'EREMOTEIO', 'ENODEV'];
/** The bus is missing or blocked: what follows on it would fail as well. */
const BUS_FAILS: readonly string[] = ['ENOENT', 'EACCES', 'EPERM', 'ETIMEDOUT', 'BUS_BLOCKED'];

export function failureOutcome(code: string): string {
  return NOBODY.includes(code) ? 'no answer' : code;
}

export function busFails(code: string): boolean {
  return BUS_FAILS.includes(code);
}

/** `bus 1: 0x10 veml7700 no answer, 0x76 bme280 found; bus 3: ...` */
export function triedText(attempts: readonly Attempt[]): string {
  const buses = new Map<number, string[]>();
  for (const { bus, address, driver, outcome } of attempts) {
    const place = address === undefined ? driver : `${addressText(address)} ${driver}`;
    buses.set(bus, [...(buses.get(bus) ?? []), `${place} ${outcome}`]);
  }
  return (
    [...buses].map(([bus, lines]) => `bus ${bus}: ${lines.join(', ')}`).join('; ') || 'nothing'
  );
}
