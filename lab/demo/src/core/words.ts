/** Log lines of the services in plain words: one JSON object per line (contract, section 6). */

type Fields = Readonly<Record<string, unknown>>;

export interface Told {
  readonly service: string;
  readonly text: string;
  readonly level: 'info' | 'warn' | 'error';
}

const text = (value: unknown): string =>
  typeof value === 'string' ? value : value === undefined ? '' : JSON.stringify(value);

/** What the system's codes mean; they stand in `code` or somewhere in `error`. */
const CODES: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'connection refused',
  ECONNRESET: 'connection broken',
  EPIPE: 'connection broken',
  ETIMEDOUT: 'no answer',
};

function why({ code, error, reason }: Fields): string {
  const said = [code, error, reason].map(text);
  const known = said.flatMap((one) => one.match(/\bE[A-Z]{3,}\b/g) ?? []);
  const words = known.map((one) => CODES[one]).find((one) => one !== undefined);
  return words ?? said.toSorted((a, b) => b.length - a.length)[0] ?? '';
}

const seconds = (ms: unknown) => `${(Number(ms) / 1_000).toFixed(1)} s`;

/** Who is at the other end of the link that a line is about. */
const peer = (f: Fields) => (f['destination'] === 'hub' ? 'hub' : 'broker');

/** The hub's own words, without those around them. */
const failure = (f: Fields) => why(f).replace(/^the hub cannot be reached: /, '');

function provisioning(f: Fields): string {
  const reason = text(f['reason']).replaceAll('_', ' ');
  // A question that is under way: the time is that of a process that is killed meanwhile.
  const asking = f['state'] === 'registering' || f['state'] === 'looking_up';
  const next =
    Number(f['delayMs']) > 0 && !asking ? `, next attempt in ${seconds(f['delayMs'])}` : '';
  return `${text(f['state']).replaceAll('_', ' ')}${reason === '' ? '' : `: ${reason}`}${next}`;
}

/** Event -> words. What is not here is told by its name. */
const WORDS: Readonly<Record<string, (fields: Fields) => string>> = {
  started: () => 'started',
  stopping: () => 'asked to stop',
  stopped: () => 'stopped',
  crashed: (f) => `crashed: ${text(f['error'])}`,
  redis_connected: () => 'connected to Redis',
  redis_lost: (f) => `Redis is away (${why(f)}), readings wait in memory`,
  redis_error: (f) => `Redis is away (${why(f)})`,
  redis_unreachable: (f) => `Redis is away (${why(f)})`,
  redis_failed: (f) => `Redis is away (${why(f)})`,
  redis_full: () => 'Redis is full, readings wait in memory',
  not_stored: (f) => `a reading cannot be stored now (${why(f)})`,
  storing_again: (f) => `storing again, ${text(f['pending'])} readings had to wait`,
  measuring_paused: () => 'measuring paused',
  measuring_resumed: () => 'measuring again',
  interval_changed: (f) => `now measures every ${text(f['interval_seconds'])} s`,
  sensor_found: (f) => `${text(f['sensor'])} answers`,
  sensor_lost: (f) => `${text(f['sensor'])} does not answer (${why(f)})`,
  readings_dropped: (f) => `memory full, ${text(f['count'])} readings given up`,
  line_opened: () => 'watches the button',
  line_missing: (f) => `button line not there (${why(f)})`,
  toggled: (f) => `button pressed: measuring ${f['measuring'] === true ? 'on' : 'off'}`,
  toggle_failed: (f) => `a press cannot be stored now (${why(f)}), it waits`,
  press_discarded: () => 'a press was too old to count',
  link_up: (f) => `connected to the ${peer(f)}`,
  link_resumed: (f) => `connected to the ${peer(f)} again`,
  link_closed: (f) => `connection to the ${peer(f)} ended (${why(f)})`,
  link_down: (f) =>
    `${peer(f)} lost (${why(f)}), ${text(f['unacknowledged'])} messages to send again`,
  connect_failed: (f) =>
    `${peer(f)} not reachable (${failure(f)}), next try in ${seconds(f['delayMs'])}`,
  cursor_loaded: (f) =>
    f['lastId'] === '0-0'
      ? 'sends from the first reading on'
      : `goes on after ${text(f['lastId'])}`,
  state: provisioning,
  credentials_given: (f) => `a token for ${text(f['host'])}`,
  readings_removed: (f) => `${text(f['count'])} readings vanished from the buffer`,
  readings_evicted: (f) => `buffer full, ${text(f['count'])} readings given up`,
  data_repaired: (f) => `data file repaired (${text(f['reason'])})`,
  aof_damaged: (f) => `data file damaged: ${text(f['file'])}`,
  last_start_incomplete: () => 'the last start was not complete',
};

/** Said at each first start, or told by DPS itself, and of no interest here. */
const SILENT = new Set(['credential_made', 'step', 'answered']);

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
