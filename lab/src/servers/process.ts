/**
 * A child process that tests and the demo can kill, freeze and start again. Nothing it writes is
 * lost: the newest lines are kept for error messages.
 */
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
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

export class ManagedProcess {
  readonly spec: ProcessSpec;
  /** The newest lines of stdout and stderr, oldest first. */
  readonly lines: string[] = [];
  readonly #listeners = new Set<(line: string) => void>();
  #child: ChildProcess | undefined;

  constructor(spec: ProcessSpec) {
    this.spec = spec;
  }

  get running(): boolean {
    return this.#child !== undefined && this.#child.exitCode === null && !this.#child.killed;
  }

  get pid(): number | undefined {
    return this.#child?.pid;
  }

  /** Starts the process; it must not be running. */
  start(): void {
    if (this.running) throw new Error(`${this.spec.name} is running`);
    const { command, args, env, cwd } = this.spec;
    const child = spawn(command, args, {
      stdio: ['ignore', 'pipe', 'pipe'],
      ...(env === undefined ? {} : { env: { PATH: process.env['PATH'] ?? '', ...env } }),
      ...(cwd === undefined ? {} : { cwd }),
    });
    child.on('error', (error) => this.#keep(`cannot start ${command}: ${error.message}`));
    for (const stream of [child.stdout, child.stderr]) {
      createInterface({ input: stream }).on('line', (line) => this.#keep(line));
    }
    this.#child = child;
  }

  onLine(listener: (line: string) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Resolves with the exit code, or the negative signal name's effect as null. */
  async exited(): Promise<number | null> {
    const child = this.#child;
    if (child === undefined) return null;
    if (child.exitCode !== null || child.signalCode !== null) return child.exitCode;
    return new Promise((resolve) => child.once('exit', (code) => resolve(code)));
  }

  /** SIGKILL: what a power cut or the out-of-memory killer does. */
  async kill(): Promise<void> {
    const gone = this.exited();
    this.#child?.kill('SIGKILL');
    await gone;
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
    const code = await this.exited();
    clearTimeout(timer);
    return code;
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
