/** The file of waiting readings. Every method rejects with the file system's error. */
import { createReadStream } from 'node:fs';
import { access, constants, open, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { errorCode } from '@holdfast/kit';

const PART_CHARACTERS = 65_536;

export class PendingFile {
  readonly path: string;

  constructor(directory: string) {
    this.path = join(directory, 'pending.jsonl');
  }

  /**
   * Its lines; none when there is no file. What is after the last end of a line was cut off while it
   * was written, and is left out. Rejects also when nothing could be written.
   */
  async *lines(): AsyncGenerator<string> {
    await access(dirname(this.path), constants.W_OK);
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

  /** Puts the lines in the place of what was there, all or nothing. */
  async replace(lines: Iterable<string>): Promise<void> {
    const fresh = `${this.path}.new`;
    await write(fresh, 'w', lines);
    await rename(fresh, this.path);
  }

  async append(lines: Iterable<string>): Promise<void> {
    await write(this.path, 'a', lines);
  }

  async remove(): Promise<void> {
    await rm(this.path, { force: true });
  }

  /** Puts it aside for people to look at; returns where it is. */
  async quarantine(nowMs: number): Promise<string> {
    const aside = `${this.path}.${new Date(nowMs).toISOString().replaceAll(':', '')}.bad`;
    await rename(this.path, aside);
    return aside;
  }
}

/** On the card when it resolves. In parts: all of it as one text could be more than the heap holds. */
async function write(path: string, flags: 'w' | 'a', lines: Iterable<string>): Promise<void> {
  await using file = await open(path, flags, 0o600);
  let part = '';
  for (const line of lines) {
    part += `${line}\n`;
    if (part.length < PART_CHARACTERS) continue;
    await file.appendFile(part);
    part = '';
  }
  await file.appendFile(part);
  await file.datasync();
}
