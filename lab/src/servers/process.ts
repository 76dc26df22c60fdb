/**
 * A child process that tests and the demo can kill, freeze and start again. Nothing it writes is
 * lost: the newest lines are kept for error messages. It never outlives the process that started
 * it: the kernel kills it with its parent where util-linux is installed, an exit handler elsewhere
 * (which a parent that is itself killed does not get to run).
 */
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { existsSync } from 'node:fs';
import { createInterface } from 'node:readline';

export interface ProcessSpec {
  readonly name: string;
  readonly command: string;
  readonly args: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
}

const KEPT_LINES = 200;
const STOP_DEADLINE_MS = 8_000;
/** For the last lines after the end; a grandchild may hold the pipes open for longer. */
const DRAIN_MS = 250;

/** util-linux: sets the "parent death signal" (prctl(2), PR_SET_PDEATHSIG) and then is the command. */
const SETPRIV = '/usr/bin/setpriv';
const DIE_WITH_PARENT = existsSync(SETPRIV) ? [SETPRIV, '--pdeathsig', 'KILL', '--'] : [];

const children = new Set<ChildProcess>();
process.once('exit', () => {
  for (const child of children) child.kill('SIGKILL');
});

export class ManagedProcess implements AsyncDisposable {
  readonly spec: ProcessSpec;
  /** The newest lines of stdout and stderr, oldest first. */
  readonly lines: string[] = [];
  readonly #listeners = new Set<(line: string) => void>();
  #child: ChildProcess | undefined;
  #ended: Promise<number | null> = Promise.resolve(null);

  constructor(spec: ProcessSpec) {
    this.spec = spec;
  }

  /** Whether the process exists; a frozen one does. */
  get running(): boolean {
    const child = this.#child;
    return child?.pid !== undefined && child.exitCode === null && child.signalCode === null;
  }

  get pid(): number | undefined {
    return this.#child?.pid;
  }

  /** Starts the process; it must not be running. */
  start(): void {
    if (this.running) throw new Error(`${this.spec.name} is running`);
    const { command, args, env, cwd } = this.spec;
    const [file = command, ...allArgs] = [...DIE_WITH_PARENT, command, ...args];
    const child = spawn(file, allArgs, {
      stdio: ['ignore', 'pipe', 'pipe'],
      ...(env === undefined ? {} : { env: { PATH: process.env['PATH'] ?? '', ...env } }),
      ...(cwd === undefined ? {} : { cwd }),
    });
    child.on('error', (error) => this.#keep(`cannot start ${command}: ${error.message}`));
    for (const stream of [child.stdout, child.stderr]) {
      createInterface({ input: stream }).on('line', (line) => this.#keep(line));
    }
    this.#child = child;
    this.#ended = ended(child);
    children.add(child);
    void this.#ended.then(() => children.delete(child));
  }

  onLine(listener: (line: string) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /**
   * Resolves when the process has ended and its last lines are read, with the exit code; null when a
   * signal ended it, when it could not be started or never was.
   */
  exited(): Promise<number | null> {
    return this.#ended;
  }

  /** SIGKILL: what a power cut or the out-of-memory killer does. */
  async kill(): Promise<void> {
    this.#child?.kill('SIGKILL');
    await this.#ended;
  }

  /** SIGSTOP: the process keeps its connections and answers nothing. */
  freeze(): void {
    this.#child?.kill('SIGSTOP');
  }

  thaw(): void {
    this.#child?.kill('SIGCONT');
  }

  /** SIGTERM, then SIGKILL after a deadline. Returns the exit code. */
  async stop(): Promise<number | null> {
    const child = this.#child;
    if (child === undefined) return null;
    child.kill('SIGCONT');
    child.kill('SIGTERM');
    const timer = setTimeout(() => child.kill('SIGKILL'), STOP_DEADLINE_MS);
    const code = await this.#ended;
    clearTimeout(timer);
    return code;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.kill();
  }

  /** Resolves when a line matches; rejects after `timeoutMs` with what was printed instead. */
  async untilLine(pattern: RegExp, timeoutMs = 15_000): Promise<string> {
    const seen = this.lines.find((line) => pattern.test(line));
    if (seen !== undefined) return seen;
    return new Promise((resolve, reject) => {
      const off = this.onLine((line) => {
        if (!pattern.test(line)) return;
        clearTimeout(timer);
        off();
        resolve(line);
      });
      const timer = setTimeout(() => {
        off();
        const tail = this.lines.slice(-20).join('\n');
        reject(new Error(`${this.spec.name}: no line ${pattern} in ${timeoutMs} ms\n${tail}`));
      }, timeoutMs);
    });
  }

  #keep(line: string): void {
    this.lines.push(line);
    if (this.lines.length > KEPT_LINES) this.lines.shift();
    for (const listener of this.#listeners) listener(line);
  }
}

/** The exit code once the process is gone and its output read; null without one. */
function ended(child: ChildProcess): Promise<number | null> {
  return new Promise((resolve) => {
    child.once('close', (code) => resolve(code));
    child.once('exit', () => {
      const drained = setTimeout(() => {
        child.stdout?.destroy();
        child.stderr?.destroy();
      }, DRAIN_MS);
      child.once('close', () => clearTimeout(drained));
    });
    child.once('error', () => {
      if (child.pid === undefined) resolve(null);
    });
  });
}
