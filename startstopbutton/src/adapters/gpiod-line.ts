/**
 * A line through the kernel's character device, by `gpiomon`. It sets the pull itself, the line is
 * free again when it ends, and every edge comes with the time at which the kernel saw it.
 */
import type { ChildProcess } from 'node:child_process';
import { createInterface } from 'node:readline';
import { systemClock } from '@holdfast/kit';
import { effectivePull } from '../core/contact.ts';
import type { Level } from '../core/contact.ts';
import { LineError } from '../core/line-error.ts';
import { getArguments, isMonotonicStamp, monitorArguments, parseEdge } from '../core/gpiod.ts';
import type { EdgeLine, LineArguments } from '../core/gpiod.ts';
import type { GpioLine, LineListener, LineOptions } from '../ports.ts';
import { consumer, endTool, findLine, runTool, startTool } from './gpiod-tools.ts';

/** `gpiomon` says nothing when it listens: the kernel's list of users does. */
const POLL_MS = 20;
const START_LIMIT_MS = 10_000;

export class GpiodLine implements GpioLine {
  readonly backend = 'gpiomon';
  readonly remarks = [];
  readonly #options: LineOptions;
  #child: ChildProcess | undefined;

  constructor(options: LineOptions) {
    this.#options = options;
  }

  async open(listener: LineListener): Promise<void> {
    const { pin } = this.#options;
    const pull = effectivePull(pin, this.#options.pull);
    const line = await findLine(pin);
    await checkFree(line);
    const level: Level =
      (await runTool('gpioget', getArguments(line, pull))).trim() === '1' ? 1 : 0;
    const child = startTool('gpiomon', monitorArguments(line, pull));
    this.#child = child;
    const monitor = listen(child, line);
    await this.#untilListening(line, monitor);
    if (this.#child !== child) return;
    listener.onOpened(level);
    monitor.start({
      onEdge: (edge) => {
        if (this.#child === child) tellEdge(listener, edge);
      },
      onEnded: (words) => {
        if (this.#child === child) listener.onLost(new LineError('line_lost', words));
      },
    });
  }

  async close(): Promise<void> {
    const child = this.#child;
    this.#child = undefined;
    if (child !== undefined) await endTool(child);
  }

  async #untilListening(line: LineArguments, monitor: Monitor): Promise<void> {
    const endMs = systemClock.monotonicMs() + START_LIMIT_MS;
    while ((await consumer(line)) === undefined) {
      const ended = monitor.ended();
      if (ended !== undefined) throw new LineError('line_failed', ended);
      if (systemClock.monotonicMs() > endMs) {
        throw new LineError('line_failed', `gpiomon does not get GPIO ${line.pin}`);
      }
      await systemClock.sleepMs(POLL_MS);
    }
  }
}

function tellEdge(listener: LineListener, { level, stampMs }: EdgeLine): void {
  const nowMs = systemClock.monotonicMs();
  if (stampMs !== undefined && isMonotonicStamp(stampMs, nowMs)) {
    listener.onEdge(level, stampMs, true);
  } else {
    listener.onEdge(level, nowMs, false);
  }
}

/** @throws LineError `line_busy`, naming who has the line */
export async function checkFree(line: LineArguments): Promise<void> {
  const user = await consumer(line);
  if (user === undefined) return;
  throw new LineError(
    'line_busy',
    `GPIO ${line.pin} is taken by "${user}": "sysfs" is a program that exported it ` +
      `(/sys/class/gpio/unexport frees it), other names are programs or kernel drivers`,
  );
}

interface MonitorListener {
  onEdge(edge: EdgeLine): void;
  onEnded(words: string): void;
}

interface Monitor {
  /** Why it has ended, undefined while it runs. */
  ended(): string | undefined;
  /** Tells what has come until now, and from now on. */
  start(listener: MonitorListener): void;
}

function listen(child: ChildProcess, { version }: LineArguments): Monitor {
  let listener: MonitorListener | undefined;
  let ended: string | undefined;
  let words = '';
  const early: EdgeLine[] = [];
  child.stderr?.setEncoding('utf8').on('data', (text: string) => (words += text));
  if (child.stdout !== null) {
    createInterface({ input: child.stdout }).on('line', (text) => {
      const edge = parseEdge(version, text);
      if (edge === undefined) return;
      if (listener === undefined) early.push(edge);
      else listener.onEdge(edge);
    });
  }
  const onEnd = (why: string) => {
    ended ??= why;
    listener?.onEnded(why);
  };
  child.once('error', (error) => onEnd(error.message));
  child.once('close', () => onEnd(words.trim() || 'gpiomon has ended'));
  return {
    ended: () => ended,
    start(told) {
      listener = told;
      for (const edge of early) told.onEdge(edge);
      if (ended !== undefined) told.onEnded(ended);
    },
  };
}
