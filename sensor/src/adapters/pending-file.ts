/** The file of waiting readings, in a folder of its own. */
import { createReadStream } from 'node:fs';
import { access, constants, open, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { errorCode } from '@holdfast/kit';
import type { PendingFile } from '../ports.ts';

/** Written at a time: all of it as one text could be more than the heap holds. */
const PART_CHARACTERS = 65_536;

export class PendingFileOnDisk implements PendingFile {
  readonly path: string;
  /** Becomes the file when it is complete. */
  readonly #fresh: string;

  constructor(directory: string) {
    this.path = join(directory, 'pending.jsonl');
    this.#fresh = `${this.path}.new`;
  }

  async check(): Promise<void> {
    await access(dirname(this.path), constants.W_OK);
  }

  async *lines(): AsyncGenerator<string> {
    let rest = '';
    try {
      for await (const text of createReadStream(this.path, 'utf8')) {
        const lines = (rest + String(text)).split('\n');
        rest = lines.pop() ?? '';
        yield* lines;
      }
    } catch (error) {
      if (errorCode(error) !== 'ENOENT') throw error;
    }
  }

  async replace(lines: Iterable<string>, onCard: boolean): Promise<void> {
    try {
      await write(this.#fresh, 'w', lines, onCard);
      await rename(this.#fresh, this.path);
    } catch (error) {
      // It may hold the last free space of the card, which Redis needs.
      await rm(this.#fresh, { force: true }).catch(() => {});
      throw error;
    }
    if (!onCard) return;
    await using folder = await open(dirname(this.path));
    await folder.sync();
  }

  async append(lines: Iterable<string>): Promise<void> {
    await write(this.path, 'a', lines, true);
  }

  async remove(): Promise<void> {
    await rm(this.path, { force: true });
    await rm(this.#fresh, { force: true });
  }

  async quarantine(nowMs: number): Promise<string> {
    const aside = `${this.path}.${new Date(nowMs).toISOString().replaceAll(':', '')}.bad`;
    await rename(this.path, aside);
    return aside;
  }
}

async function write(
  path: string,
  flags: 'w' | 'a',
  lines: Iterable<string>,
  onCard: boolean,
): Promise<void> {
  await using file = await open(path, flags, 0o600);
  let part = '';
  for (const line of lines) {
    part += `${line}\n`;
    if (part.length < PART_CHARACTERS) continue;
    await file.appendFile(part);
    part = '';
  }
  await file.appendFile(part);
  if (onCard) await file.datasync();
}
