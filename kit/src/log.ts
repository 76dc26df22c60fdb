/**
 * Logs: one JSON object per line on stdout, one line per change of state, never per reading.
 * A service declares its events as a map from event name to fields; only those can be logged.
 */
import type { Clock } from './clock.ts';
import { errorMessage } from './errors.ts';

export type Level = 'info' | 'warn' | 'error';
export interface Log<E extends object> {
  info<K extends keyof E & string>(event: K, fields: E[K]): void;
  warn<K extends keyof E & string>(event: K, fields: E[K]): void;
  error<K extends keyof E & string>(event: K, fields: E[K]): void;
}

export type LogSink = (line: string) => void;

export const stdoutSink: LogSink = (line) => {
  process.stdout.write(`${line}\n`);
};

/**
 * One log line; `fields` cannot replace the first four members. Never throws: a log line must not
 * end a service, so fields that JSON cannot hold are replaced by a member `unprintable` saying why.
 */
export function renderLogLine(
  timeMs: number,
  level: Level,
  service: string,
  event: string,
  fields: object,
): string {
  const time = new Date(timeMs).toISOString();
  const head = { time, level, service, event };
  try {
    // The head stands first to be read first, and last to win.
    return JSON.stringify({ ...head, ...fields, ...head }, printable);
  } catch (error) {
    return JSON.stringify({ ...head, unprintable: errorMessage(error) });
  }
}

function printable(_key: string, value: unknown): unknown {
  if (value instanceof Error) return errorMessage(value);
  return typeof value === 'bigint' ? String(value) : value;
}

export function createLog<E extends object>(
  service: string,
  clock: Clock,
  sink: LogSink = stdoutSink,
): Log<E> {
  const at =
    (level: Level) =>
    (event: string, fields: object): void => {
      sink(renderLogLine(clock.nowMs(), level, service, event, fields));
    };
  return { info: at('info'), warn: at('warn'), error: at('error') } as Log<E>;
}

/**
 * Thins out a failure that repeats: `shouldLog(key)` is true when the key differs from the last one
 * and then every `every`-th time. Call `reset()` when things work again.
 */
export class RepeatFilter {
  readonly #every: number;
  #key: string | undefined;
  #count = 0;

  constructor(every = 60) {
    this.#every = every;
  }

  shouldLog(key: string): boolean {
    this.#count = key === this.#key ? this.#count + 1 : 0;
    this.#key = key;
    return this.#count % this.#every === 0;
  }

  reset(): void {
    this.#key = undefined;
    this.#count = 0;
  }
}
