/** What can happen to the files of the AOF, and what must be left of them. */
import { mkdir, readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Random } from '@holdfast/kit';
import { seededRandom } from '@holdfast/kit/testing';
import { HALF, damage, files, readingEnds, upTo } from './aof.ts';
import type { Container } from './container.ts';

/** `_seq` of all readings of a filled container. */
export const ALL = upTo(2 * HALF);
export const SECOND_HALF = ALL.slice(HALF);

export interface Case {
  readonly name: string;
  /** Damages the volumes of a stopped container. */
  readonly harm: (container: Container) => Promise<void>;
  /** `_seq` of the readings that must be there afterwards. */
  readonly kept: readonly number[];
  /** Reasons reported, in order; none when nothing is lost. */
  readonly reasons: readonly string[];
  /** A file that must stand in the quarantine exactly as it was after the damage. */
  readonly aside?: 'base' | 'commands' | 'manifest';
  /** Whether the damage shows only in a start that fails. */
  readonly failsOnce?: boolean;
}

/** Damages the file of commands. */
const inCommands = (change: (content: Buffer) => Buffer) => async (c: Container) =>
  damage((await files(c)).commands, change);
const inBase = (change: (content: Buffer) => Buffer) => async (c: Container) =>
  damage((await files(c)).base, change);
const inManifest = (change: (content: Buffer) => Buffer) => async (c: Container) =>
  damage((await files(c)).manifest, change);

const random = seededRandom(7);
export const garbage = (bytes: number) =>
  Buffer.from(Array.from({ length: bytes }, () => Math.floor(random.next() * 256)));
export const append = (tail: Buffer | string) => (content: Buffer) =>
  Buffer.concat([content, Buffer.from(tail)]);
/** Writes over the middle of the file, within one reading or across several. */
const overwrite = (atReading: number, patch: Buffer) => (content: Buffer) => {
  const changed = Buffer.from(content);
  patch.copy(changed, (readingEnds(content)[atReading - 1] ?? 0) + 3);
  return changed;
};

export const CASES: readonly Case[] = [
  {
    name: 'no damage',
    harm: async () => {},
    kept: ALL,
    reasons: [],
  },
  {
    name: 'the last command is incomplete',
    harm: inCommands((content) => content.subarray(0, -10)),
    kept: ALL.slice(0, -1),
    reasons: ['tail_cut'],
    aside: 'commands',
  },
  {
    name: 'the end is filled with zeros',
    harm: inCommands(append(Buffer.alloc(600))),
    kept: ALL,
    reasons: ['tail_cut'],
    aside: 'commands',
  },
  {
    name: 'the end is garbage',
    harm: inCommands(append(garbage(500))),
    kept: ALL,
    reasons: ['tail_cut'],
    aside: 'commands',
  },
  {
    name: 'the last command names a length beyond all memory',
    harm: inCommands(append('*3\r\n$3\r\nSET\r\n$999999999999999999\r\nab\r\n')),
    kept: ALL,
    reasons: ['tail_cut'],
    aside: 'commands',
  },
  {
    name: 'a transaction is not closed',
    harm: inCommands(append('*1\r\n$5\r\nMULTI\r\n*3\r\n$3\r\nSET\r\n$1\r\na\r\n$1\r\nb\r\n')),
    kept: ALL,
    reasons: ['tail_cut'],
    aside: 'commands',
  },
  {
    name: 'a stretch of zeros in the middle costs only what stood there',
    harm: inCommands(overwrite(50, Buffer.alloc(40))),
    kept: ALL.filter((seq) => seq !== HALF + 51),
    reasons: ['commands_skipped'],
    aside: 'commands',
  },
  {
    name: 'a command Redis does not know costs that command',
    harm: inCommands((content) => {
      const changed = Buffer.from(content);
      changed[content.indexOf('xadd', readingEnds(content)[80])] = 0x79;
      return changed;
    }),
    kept: ALL.filter((seq) => seq !== HALF + 82),
    reasons: ['commands_skipped'],
    failsOnce: true,
  },
  {
    name: 'the file of commands is empty',
    harm: inCommands(() => Buffer.alloc(0)),
    kept: upTo(HALF),
    reasons: [],
  },
  {
    name: 'the file of commands is all zeros',
    harm: inCommands((content) => Buffer.alloc(content.length)),
    kept: upTo(HALF),
    reasons: ['tail_cut'],
    aside: 'commands',
  },
  {
    name: 'the file of commands is missing',
    harm: async (c) => rm((await files(c)).commands),
    kept: upTo(HALF),
    reasons: ['manifest_rebuilt'],
    aside: 'manifest',
  },
  {
    name: 'the base file is cut short',
    harm: inBase((content) => content.subarray(0, -30)),
    kept: SECOND_HALF,
    reasons: ['base_lost', 'manifest_rebuilt'],
    aside: 'base',
  },
  {
    name: 'the base file has garbage in it',
    harm: inBase((content) => Buffer.concat([content.subarray(0, 300), garbage(200)])),
    kept: SECOND_HALF,
    reasons: ['base_lost', 'manifest_rebuilt'],
    aside: 'base',
  },
  {
    name: 'the base file is followed by zeros',
    harm: inBase(append(Buffer.alloc(100))),
    kept: ALL,
    reasons: ['tail_cut'],
    aside: 'base',
  },
  {
    name: 'the base file is empty',
    harm: inBase(() => Buffer.alloc(0)),
    kept: SECOND_HALF,
    reasons: ['base_lost', 'manifest_rebuilt'],
    aside: 'base',
  },
  {
    name: 'the base file is all zeros',
    harm: inBase((content) => Buffer.alloc(content.length)),
    kept: SECOND_HALF,
    reasons: ['base_lost', 'manifest_rebuilt'],
    aside: 'base',
  },
  {
    name: 'the base file is missing',
    harm: async (c) => rm((await files(c)).base),
    kept: SECOND_HALF,
    reasons: ['manifest_rebuilt'],
    aside: 'manifest',
  },
  {
    name: 'the manifest is missing',
    harm: async (c) => rm((await files(c)).manifest),
    kept: ALL,
    reasons: ['manifest_rebuilt'],
  },
  {
    name: 'the manifest is empty',
    harm: inManifest(() => Buffer.alloc(0)),
    kept: ALL,
    reasons: ['manifest_rebuilt'],
    aside: 'manifest',
  },
  {
    name: 'the manifest is garbage',
    harm: inManifest(() => garbage(90)),
    kept: ALL,
    reasons: ['manifest_rebuilt'],
    aside: 'manifest',
  },
  {
    name: 'the manifest is cut short',
    harm: inManifest((content) => content.subarray(0, -25)),
    kept: ALL,
    reasons: ['manifest_rebuilt'],
    aside: 'manifest',
  },
  {
    name: 'the manifest names the files twice',
    harm: inManifest((content) => Buffer.concat([content, content])),
    kept: ALL,
    reasons: ['manifest_rebuilt'],
    aside: 'manifest',
    failsOnce: true,
  },
  {
    name: 'an interrupted rewrite left its files behind',
    harm: async (c) => {
      await writeFile(join(c.data, 'temp-rewriteaof-bg-12.aof'), garbage(1_000));
      await writeFile(join(c.data, 'temp-rewriteaof-12.aof'), garbage(1_000));
      await writeFile(join(c.aof, 'temp_appendonly.aof.manifest'), 'file ');
    },
    kept: ALL,
    reasons: [],
  },
  {
    name: 'the folder is empty',
    harm: async (c) => {
      await rm(c.aof, { recursive: true });
      await mkdir(c.aof);
    },
    kept: [],
    reasons: [],
  },
  {
    name: 'a file stands where the folder should be',
    harm: async (c) => {
      await rm(c.aof, { recursive: true });
      await writeFile(c.aof, 'not a folder');
    },
    kept: [],
    reasons: ['set_aside'],
  },
  {
    name: 'everything is garbage',
    harm: async (c) => {
      for (const name of await readdir(c.aof)) await writeFile(join(c.aof, name), garbage(700));
    },
    kept: [],
    reasons: ['base_lost', 'tail_cut', 'manifest_rebuilt'],
    aside: 'base',
  },
];

/** Flips bits, writes over, cuts off or repeats a part of the content. */
export function mutated(content: Buffer, { next }: Random): Buffer {
  const at = Math.floor(next() * content.length);
  const length = Math.floor(next() * 200);
  const kind = Math.floor(next() * 4);
  const changed = Buffer.from(content);
  if (kind === 0) changed[at] = (changed[at] ?? 0) ^ (1 << Math.floor(next() * 8));
  if (kind === 1) changed.fill(Math.floor(next() * 256), at, Math.min(at + length, content.length));
  if (kind === 2) return changed.subarray(0, at);
  if (kind === 3) return Buffer.concat([changed.subarray(0, at + length), changed.subarray(at)]);
  return changed;
}
