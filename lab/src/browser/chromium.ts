/**
 * A real Chromium without a window, driven over its own pipe (Chrome DevTools Protocol with
 * `--remote-debugging-pipe`: messages as JSON, each ended by a zero byte, on descriptors 3 and 4).
 * No driver library and no port: what a test of a page needs is little.
 */
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';
import type { Readable, Writable } from 'node:stream';
import { dataFolder, removeFolder } from '../servers/up.ts';
import { BrowserPage } from './page.ts';

const NAMES = ['chromium', 'chromium-browser', 'google-chrome', 'chrome'];
const CALL_MS = 30_000;
const CLOSE_MS = 5_000;

/** The first Chromium on the path; undefined when there is none. */
export function findChromium(): string | undefined {
  const folders = (process.env['PATH'] ?? '').split(delimiter);
  const files = NAMES.flatMap((name) => folders.map((folder) => join(folder, name)));
  return files.find((file) => {
    try {
      accessSync(file, constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}

export type Result = Readonly<Record<string, unknown>>;
interface Message {
  readonly id?: number;
  readonly method?: string;
  readonly sessionId?: string;
  readonly params?: Result;
  readonly result?: Result;
  readonly error?: { readonly message: string };
}
interface Waiting {
  readonly resolve: (result: Result) => void;
  readonly reject: (error: Error) => void;
  readonly timer: NodeJS.Timeout;
}

const FLAGS = [
  '--headless=new',
  '--remote-debugging-pipe',
  '--no-first-run',
  '--disable-gpu',
  '--disable-dev-shm-usage',
  '--hide-scrollbars',
  // No reports, no updates, no lookups: the page must do without the internet as well.
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  '--no-default-browser-check',
];

export class Chromium implements AsyncDisposable {
  readonly #child: ChildProcess;
  /** Folder of its data, gone with it. */
  readonly profile: string;
  readonly #waiting = new Map<number, Waiting>();
  readonly #listeners = new Set<(message: Message) => void>();
  #lastId = 0;

  private constructor(command: string) {
    this.profile = dataFolder('chromium');
    // Inside a container there is no sandbox for root; the only page it ever sees is ours.
    const sandbox = process.getuid?.() === 0 ? ['--no-sandbox'] : [];
    this.#child = spawn(command, [...FLAGS, ...sandbox, `--user-data-dir=${this.profile}`], {
      stdio: ['ignore', 'ignore', 'ignore', 'pipe', 'pipe'],
      // A group of its own, to end its helpers with it. When we end without doing so, the pipe's end
      // tells it to leave.
      detached: true,
    });
    this.#child.on('error', (error) => this.#failAll(error));
    this.#child.once('exit', () => this.#failAll(new Error('Chromium has ended')));
    // What is written after the end goes nowhere; who waits has been told.
    this.#input.on('error', () => {});
    this.#read(this.#child.stdio[4] as Readable);
  }

  /** Starts the browser; resolves when it answers. */
  static async start(command: string): Promise<Chromium> {
    const browser = new Chromium(command);
    try {
      await browser.call('Browser.getVersion');
    } catch (error) {
      await browser[Symbol.asyncDispose]();
      throw error;
    }
    return browser;
  }

  /** A new page with a size of its own, nothing loaded. */
  async open(size: { readonly width: number; readonly height: number }): Promise<BrowserPage> {
    const { targetId } = await this.call('Target.createTarget', { url: 'about:blank' });
    const attach = { targetId, flatten: true };
    const { sessionId } = await this.call('Target.attachToTarget', attach);
    return BrowserPage.prepare(this, String(sessionId), size);
  }

  /** One command of the protocol; rejects with what the browser says against it. */
  async call(method: string, params: object = {}, sessionId?: string): Promise<Result> {
    const id = (this.#lastId += 1);
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#waiting.delete(id);
        reject(new Error(`${method}: no answer in ${CALL_MS} ms`));
      }, CALL_MS);
      this.#waiting.set(id, { resolve, reject, timer });
      this.#input.write(`${JSON.stringify({ id, method, params, sessionId })}\0`);
    });
  }

  /** Calls `listener` with every event of a page. */
  onEvent(sessionId: string, listener: (method: string, params: Result) => void): void {
    this.#listeners.add(({ method, params = {}, ...message }) => {
      if (method !== undefined && message.sessionId === sessionId) listener(method, params);
    });
  }

  /** Lets the browser put down its profile and leave; ends it and its helpers when it does not. */
  async [Symbol.asyncDispose](): Promise<void> {
    const { pid, exitCode, signalCode } = this.#child;
    if (pid !== undefined && exitCode === null && signalCode === null) {
      const ended = new Promise<void>((resolve) => this.#child.once('exit', () => resolve()));
      const late = setTimeout(() => this.#killGroup(), CLOSE_MS);
      await this.call('Browser.close').catch(() => {});
      await ended;
      clearTimeout(late);
    }
    this.#killGroup();
    removeFolder(this.profile);
  }

  #killGroup(): void {
    // It was never started.
    if (this.#child.pid === undefined) return;
    try {
      process.kill(-this.#child.pid, 'SIGKILL');
    } catch {
      // The last of the group has left by itself.
    }
  }

  get #input(): Writable {
    return this.#child.stdio[3] as Writable;
  }

  #read(output: Readable): void {
    let rest = '';
    output.setEncoding('utf8').on('data', (chunk: string) => {
      const messages = (rest + chunk).split('\0');
      rest = messages.pop() ?? '';
      for (const message of messages) this.#take(JSON.parse(message) as Message);
    });
  }

  #take(message: Message): void {
    if (message.id === undefined) {
      for (const listener of this.#listeners) listener(message);
      return;
    }
    const waiting = this.#waiting.get(message.id);
    if (waiting === undefined) return;
    this.#waiting.delete(message.id);
    clearTimeout(waiting.timer);
    if (message.error === undefined) waiting.resolve(message.result ?? {});
    else waiting.reject(new Error(message.error.message));
  }

  #failAll(error: Error): void {
    for (const { reject, timer } of this.#waiting.values()) {
      clearTimeout(timer);
      reject(error);
    }
    this.#waiting.clear();
  }
}
