/** Durations and amounts in words, for people; the same on the page and in Grafana. */

/** `45 s`, `12 min`, `3 h 20 min`, `5 d 4 h`, `2 years`. */
export function duration(ms: number): string {
  const seconds = Math.max(0, Math.round(ms / 1_000));
  if (seconds < 60) return `${seconds} s`;
  const minutes = Math.round(seconds / 60);
  if (minutes < 60) return `${minutes} min`;
  const hours = Math.floor(minutes / 60);
  if (hours < 24) return join(hours, 'h', minutes % 60, 'min');
  const days = Math.floor(hours / 24);
  if (days < 60) return join(days, 'd', hours % 24, 'h');
  if (days < 730) return `${Math.round(days / 30.44)} months`;
  const years = Math.round(days / 365.25);
  return years > 100 ? 'over 100 years' : `${years} years`;
}

function join(big: number, bigUnit: string, small: number, smallUnit: string): string {
  return small === 0 ? `${big} ${bigUnit}` : `${big} ${bigUnit} ${small} ${smallUnit}`;
}

/** `12,345`. */
export function count(value: number): string {
  return String(Math.round(value)).replaceAll(/\B(?=(\d{3})+$)/g, ',');
}

/** `1 reading`, `2 readings`. */
export function counted(value: number, noun: string): string {
  return `${count(value)} ${noun}${value === 1 ? '' : 's'}`;
}

/** Words that are not written small. */
const NAMES: Readonly<Record<string, string>> = {
  gpio: 'GPIO',
  mqtt: 'MQTT',
  hub: 'hub',
  dps: 'DPS',
  redis: 'Redis',
  dns: 'DNS',
  tls: 'TLS',
};

/** `measuring_stopped` as `Measuring stopped`. */
export function sentence(name: string): string {
  const words = name.replaceAll('_', ' ').trim().split(' ');
  const spelled = words.map((word) => (Object.hasOwn(NAMES, word) ? (NAMES[word] ?? word) : word));
  const text = spelled.join(' ');
  return text === '' ? '' : `${text[0]?.toUpperCase()}${text.slice(1)}`;
}

/** A time between two readings: `0.2 s`, where whole seconds would say nothing. */
export function spacing(ms: number): string {
  return ms < 10_000 ? `${Number((ms / 1_000).toFixed(2))} s` : duration(ms);
}
