/**
 * The loop of the button: keeps the line open, lets the core decide which edges are a press, and
 * hands presses on. A line that is missing or goes away is reported and tried again, slowly.
 */
import { RepeatFilter, backoffMs, errorMessage } from '@holdfast/kit';
import { opened, step } from './core/contact.ts';
import type { Contact, ContactEvent, ContactState, Level } from './core/contact.ts';
import { LineError } from './core/line-error.ts';
import type { Surroundings } from './events.ts';
import type { GpioLine, LineListener } from './ports.ts';
import type { Presses } from './presses.ts';

/** A line that is not there will seldom appear by itself; a simulator may. */
const LINE_RETRY = { floorMs: 1_000, capMs: 30_000 };

export interface ButtonOptions extends Surroundings {
  readonly pin: number;
  readonly contact: Contact;
  readonly line: GpioLine;
  readonly presses: Presses;
}

/** Runs until `signal` aborts; rejects only with bugs. */
export async function runButton(options: ButtonOptions, signal: AbortSignal): Promise<void> {
  await Promise.all([options.presses.run(signal), keepLineOpen(options, signal)]);
}

async function keepLineOpen(options: ButtonOptions, signal: AbortSignal): Promise<void> {
  const { clock, random, log, reports, line, pin } = options;
  const failures = new RepeatFilter();
  let attempt = 0;
  let lastReported: string | undefined;
  const remarks = new Set<string>();
  const onOpened = (level: Level) => {
    attempt = 0;
    failures.reset();
    log.info('line_opened', { pin, backend: line.backend, level });
    for (const remark of line.remarks.filter((text) => !remarks.has(text))) {
      remarks.add(remark);
      log.warn('line_remark', { pin, remark });
    }
    reports.status({ state: 'ready', backend: line.backend });
    if (lastReported !== undefined) reports.event('button_found', { pin, backend: line.backend });
    lastReported = undefined;
  };
  while (!signal.aborted) {
    const error = await useLine(options, onOpened, signal);
    await line.close();
    if (error === undefined) return;
    attempt += 1;
    const delayMs = backoffMs(LINE_RETRY, attempt, random);
    const { code, message } = error;
    if (failures.shouldLog(code)) {
      log.warn('line_missing', { code, error: message, attempt, delayMs });
    }
    reports.status({ state: 'missing', last_error: message });
    if (lastReported !== code) reports.event('button_lost', { pin, code, error: message });
    lastReported = code;
    await clock.sleepMs(delayMs, signal);
  }
}

/** Resolves with what went wrong, undefined when `signal` aborts. */
async function useLine(
  options: ButtonOptions,
  onOpened: (level: Level) => void,
  signal: AbortSignal,
): Promise<LineError | undefined> {
  const done = new AbortController();
  const stopped = AbortSignal.any([signal, done.signal]);
  const ended = new Promise<LineError | undefined>((resolve) => {
    signal.addEventListener('abort', () => resolve(undefined), { signal: done.signal });
    if (signal.aborted) resolve(undefined);
    const listener = contactListener(options, stopped, onOpened, resolve);
    options.line.open(listener).catch((error: unknown) => resolve(asLineError(error)));
  });
  const error = await ended;
  done.abort();
  return error;
}

function contactListener(
  { contact, clock, presses }: ButtonOptions,
  signal: AbortSignal,
  onOpened: (level: Level) => void,
  onLost: (error: LineError) => void,
): LineListener {
  let state: ContactState = opened(contact.restLevel);
  const feed = (event: ContactEvent) => {
    if (signal.aborted) return;
    const next = step(contact, state, event);
    state = next.state;
    for (const effect of next.effects) {
      if (effect.name === 'wake') void tickAt(effect.atMs);
      else presses.add(effect.name === 'act' ? 'short' : 'long', effect.atMs);
    }
  };
  const tickAt = async (atMs: number) => {
    await clock.sleepMs(atMs - clock.monotonicMs(), signal);
    feed({ name: 'tick', atMs: clock.monotonicMs() });
  };
  return {
    onOpened(level) {
      state = opened(level);
      onOpened(level);
    },
    onEdge: (level, atMs, isExact) => feed({ name: 'edge', level, atMs, isExact }),
    onLost,
  };
}

function asLineError(error: unknown): LineError {
  return error instanceof LineError
    ? error
    : new LineError('line_failed', errorMessage(error), error);
}
