/** Small services that end in every way there is; the test starts each as a process of its own. */
import { setTimeout as sleep } from 'node:timers/promises';
import { ConfigError, runService } from '@holdfast/kit';

const endings: Readonly<Record<string, (signal: AbortSignal) => Promise<void>>> = {
  async config() {
    throw new ConfigError('PORT is "x", allowed: a number;\nHOST is "", allowed: a name');
  },
  async returns() {},
  /** Holds nothing that would keep a process alive. */
  async waits(signal) {
    await untilAborted(signal);
  },
  async abortErrorOnStop(signal) {
    ready();
    await sleep(60_000, undefined, { signal });
  },
  async hangs() {
    ready();
    await new Promise(() => {});
  },
  async crashes() {
    throw new TypeError('a bug');
  },
  async crashesWhileStopping(signal) {
    await untilAborted(signal);
    throw new TypeError('a bug at the end');
  },
  async rejectsUnnoticed(signal) {
    void Promise.reject(new Error('nobody looked'));
    await untilAborted(signal);
  },
  async rejectsWithNothing(signal) {
    void Promise.reject(undefined);
    await untilAborted(signal);
  },
  async throwsInTimer(signal) {
    setTimeout(() => {
      throw new Error('from a timer');
    }, 1);
    await untilAborted(signal);
  },
};

function ready(): void {
  process.stdout.write('ready\n');
}

function untilAborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    signal.addEventListener('abort', () => resolve(), { once: true });
    ready();
  });
}

const ending = endings[process.argv[2] ?? ''];
if (ending === undefined) throw new Error('which ending?');
await runService('example', ending);
