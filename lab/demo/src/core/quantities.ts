/** Values of a reading as people write them: the unit is the end of the field's name. */
import { bytes } from './format.ts';

/** End of a name -> unit; the number of decimals is the sensor's. */
const UNITS: readonly (readonly [end: string, unit: string])[] = [
  ['_celsius', '°C'],
  ['_percent', '%'],
  ['_hpa', 'hPa'],
  ['_lux', 'lx'],
  ['_volt', 'V'],
  ['_ppm', 'ppm'],
];

/** Names that read badly when only their unit is taken off. */
const NAMES: Readonly<Record<string, string>> = {
  temperature: '',
  humidity: '',
  pressure: '',
  cpu_temperature: 'cpu',
  load_1m: 'load',
  memory_free: 'memory free',
  disk_free: 'disk free',
};

/** `temperature_celsius`, `21.53` -> `21.53 °C`; empty when the field is about the reading. */
export function quantity(name: string, value: string): string {
  if (name === '_quality') return `(${value})`;
  if (name.startsWith('_')) return '';
  if (name === 'clock_synchronised') return value === '1' ? 'clock in sync' : 'clock not in sync';
  if (name.endsWith('_bytes')) return named(name.slice(0, -6), bytes(Number(value)));
  const [end, unit] = UNITS.find(([end]) => name.endsWith(end)) ?? ['', ''];
  return named(name.slice(0, name.length - end.length), `${value} ${unit}`.trim());
}

function named(name: string, value: string): string {
  return `${NAMES[name] ?? name.replaceAll('_', ' ')} ${value}`.trim();
}

/** All values of a stream entry. */
export function quantities(fields: readonly string[]): string[] {
  const shown: string[] = [];
  for (let i = 0; i + 1 < fields.length; i += 2) {
    const text = quantity(fields[i] ?? '', fields[i + 1] ?? '');
    if (text !== '') shown.push(text);
  }
  return shown;
}
