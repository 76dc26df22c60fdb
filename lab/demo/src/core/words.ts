/** Log lines of the services in plain words: one JSON object per line (contract, section 6). */

type Fields = Readonly<Record<string, unknown>>;

export interface Told {
  readonly service: string;
  readonly text: string;
  readonly level: 'info' | 'warn' | 'error';
}

const text = (value: unknown): string =>
  typeof value === 'string' ? value : value === undefined ? '' : JSON.stringify(value);
const seconds = (ms: unknown) => `${(Number(ms) / 1_000).toFixed(1)} s`;

/** Event -> words. What is not here is told by its name. */
const WORDS: Readonly<Record<string, (fields: Fields) => string>> = {
  started: () => 'started',
  stopping: () => 'asked to stop',
  stopped: () => 'stopped',
  crashed: (f) => `crashed: ${text(f['error'])}`,
  redis_connected: () => 'connected to Redis',
  redis_lost: (f) => `Redis is away (${text(f['code'])}), readings wait in memory`,
  redis_error: (f) => `Redis is away (${text(f['code'])})`,
  redis_unreachable: (f) => `Redis is away (${text(f['error'])})`,
  redis_failed: (f) => `Redis is away (${text(f['error'])})`,
  redis_full: () => 'Redis is full, readings wait in memory',
  not_stored: (f) => `a reading cannot be stored now (${text(f['code'])})`,
  storing_again: (f) => `storing again, ${text(f['pending'])} readings had to wait`,
  measuring_paused: () => 'measuring paused',
  measuring_resumed: () => 'measuring again',
  interval_changed: (f) => `now measures every ${text(f['interval_seconds'])} s`,
  sensor_found: (f) => `${text(f['sensor'])} answers`,
  sensor_lost: (f) => `${text(f['sensor'])} does not answer (${text(f['code'])})`,
  readings_dropped: (f) => `memory full, ${text(f['count'])} readings given up`,
  line_opened: () => 'watches the button',
  line_missing: (f) => `button line not there (${text(f['code'])})`,
  toggled: (f) => `button pressed: measuring ${f['measuring'] === true ? 'on' : 'off'}`,
  toggle_failed: (f) => `a press cannot be stored now (${text(f['code'])}), it waits`,
  press_discarded: () => 'a press was too old to count',
  link_up: () => 'connected to the broker',
  link_down: (f) =>
    `connection to the broker lost (${text(f['reason'])}), ${text(f['unacknowledged'])} messages to send again`,
  connect_failed: (f) =>
    `broker not reachable (${text(f['error'])}), next attempt in ${seconds(f['delayMs'])}`,
  cursor_loaded: (f) => `goes on behind reading ${text(f['lastId'])}`,
  readings_removed: (f) => `${text(f['count'])} readings vanished from the buffer`,
  readings_evicted: (f) => `buffer full, ${text(f['count'])} readings given up`,
  data_repaired: (f) => `data file repaired (${text(f['reason'])})`,
  aof_damaged: (f) => `data file damaged: ${text(f['file'])}`,
  last_start_incomplete: () => 'the last start was not complete',
};

/** Said at each first start and of no interest here. */
const SILENT = new Set(['credential_made']);

/** What a line says; undefined when it is not an event of ours or of no interest. */
export function tell(line: string): Told | undefined {
  const fields = parse(line);
  const { service, event, level } = fields ?? {};
  if (fields === undefined || typeof service !== 'string' || typeof event !== 'string') {
    return undefined;
  }
  if (SILENT.has(event)) return undefined;
  const words = Object.hasOwn(WORDS, event) ? WORDS[event] : undefined;
  return {
    service,
    text: words?.(fields) ?? event.replaceAll('_', ' '),
    level: level === 'warn' || level === 'error' ? level : 'info',
  };
}

/** Milliseconds until the next attempt to reach the broker, when the line tells it. */
export function nextAttemptMs(line: string): number | undefined {
  const fields = parse(line);
  const delayMs = fields?.['event'] === 'connect_failed' ? fields['delayMs'] : undefined;
  return typeof delayMs === 'number' ? delayMs : undefined;
}

function parse(line: string): Fields | undefined {
  if (!line.startsWith('{')) return undefined;
  try {
    return JSON.parse(line) as Fields;
  } catch {
    return undefined;
  }
}
