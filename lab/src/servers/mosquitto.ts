/** A real Mosquitto with a port and a data folder of its own. */
import { existsSync, statSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { kill } from 'node:process';
import { ManagedProcess } from './process.ts';
import { accepts, freePort, until } from './net.ts';
import { dataFolder, removeFolder, untilUp } from './up.ts';

export interface Mosquitto extends AsyncDisposable {
  readonly port: number;
  readonly dir: string;
  readonly process: ManagedProcess;
  /** Starts it again after a kill or stop, on the same port and data. */
  restart(): Promise<void>;
  /**
   * Has it write its sessions and what they wait for to the disk; resolves when that is there. Only
   * once it has answered a client: before that it does not listen to signals.
   */
  save(): Promise<void>;
}

export interface MosquittoOptions {
  readonly port?: number;
  /** Further lines of mosquitto.conf; replaces the default `allow_anonymous true`. */
  readonly config?: readonly string[];
}

/** Debian puts the broker where a user's PATH does not look. */
function command(): string {
  return existsSync('/usr/sbin/mosquitto') ? '/usr/sbin/mosquitto' : 'mosquitto';
}

export async function startMosquitto(options: MosquittoOptions = {}): Promise<Mosquitto> {
  const port = options.port ?? (await freePort());
  const dir = dataFolder('mosquitto');
  const file = join(dir, 'mosquitto.conf');
  await writeFile(
    file,
    [
      `listener ${port} 127.0.0.1`,
      'user root',
      // A QoS 1 subscriber that is away misses nothing. A killed broker forgets what came after its
      // last save: it saves each 1 to 2 s, when it is stopped, and by `save`.
      'persistence true',
      `persistence_location ${dir}/`,
      'autosave_interval 1',
      'max_queued_messages 0',
      'max_inflight_messages 0',
      ...(options.config ?? ['allow_anonymous true']),
      '',
    ].join('\n'),
  );
  const process = new ManagedProcess({
    name: 'mosquitto',
    command: command(),
    args: ['-c', file],
  });
  const start = async () => {
    process.start();
    await untilUp(process, () => accepts(port));
  };
  const database = join(dir, 'mosquitto.db');
  const save = async () => {
    const { pid } = process;
    if (pid === undefined) throw new Error('mosquitto is not running');
    const before = version(database);
    kill(pid, 'SIGUSR1');
    await until('mosquitto has saved', () => version(database) !== before);
  };
  const dispose = async () => {
    await process.kill();
    removeFolder(dir);
  };
  try {
    await start();
  } catch (error) {
    await dispose();
    throw error;
  }
  return {
    port,
    dir,
    process,
    async restart() {
      await process.kill();
      await start();
    },
    save,
    [Symbol.asyncDispose]: dispose,
  };
}

/** Tells two saves apart: each writes another file, which then takes the place of the one before. */
function version(file: string): string {
  const status = statSync(file, { bigint: true, throwIfNoEntry: false });
  return `${status?.ino} ${status?.mtimeNs}`;
}
