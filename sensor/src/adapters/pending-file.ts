/** The file of waiting readings. Every method rejects with the file system's error. */
import { access, constants, open, readFile, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { errorCode } from '@holdfast/kit';

export class PendingFile {
  readonly path: string;

  constructor(directory: string) {
    this.path = join(directory, 'pending.jsonl');
  }

  /** What is in it; nothing when there is no file. Rejects also when nothing could be written. */
  async read(): Promise<string> {
    await access(dirname(this.path), constants.W_OK);
    try {
      return await readFile(this.path, 'utf8');
    } catch (error) {
      if (errorCode(error) === 'ENOENT') return '';
      throw error;
    }
  }

  /** Puts the text in the place of what was there, all or nothing. */
  async replace(text: string): Promise<void> {
    const fresh = `${this.path}.new`;
    await write(fresh, 'w', text);
    await rename(fresh, this.path);
  }

  async append(text: string): Promise<void> {
    await write(this.path, 'a', text);
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

/** On the card when it resolves. */
async function write(path: string, flags: 'w' | 'a', text: string): Promise<void> {
  await using file = await open(path, flags, 0o600);
  await file.writeFile(text);
  await file.datasync();
}
