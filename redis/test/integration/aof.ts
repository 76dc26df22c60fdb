/** Building an append-only file to damage, and knowing what must survive. */
import { readFile, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { KEYS, fieldOf } from '@holdfast/redis';
import type { Redis } from '@holdfast/redis';
import { until } from '@holdfast/lab/servers';
import { Container } from './container.ts';

/** Part of every reading: redis-check-aof takes a file with such a line for a manifest. */
const TRAP = 'file x seq 1 type i\nfile';

/** Readings in the base file, and as many again in the file of commands. */
export const HALF = 150;

/** A stopped container whose data consists of a base file and a file of commands. */
export async function filledContainer(): Promise<Container> {
  const container = await Container.create();
  await container.start();
  const admin = await container.connect('redis');
  await addReadings(admin, 1, HALF);
  await admin.bgrewriteaof();
  await until('the rewrite is over', async () => {
    const info = await admin.info('persistence');
    return /aof_rewrite_in_progress:0/.test(info) && (await files(container)).base.includes('.2.');
  });
  await addReadings(admin, HALF + 1, HALF);
  await container.stop();
  return container;
}

export async function addReadings(redis: Redis, firstSeq: number, count: number): Promise<void> {
  const pipeline = redis.pipeline();
  for (let seq = firstSeq; seq < firstSeq + count; seq += 1) {
    pipeline.xadd(KEYS.values.key, '*', '_epoch', 'e', '_seq', seq, 'note', TRAP, 'co2_ppm', '417');
  }
  await pipeline.exec();
}

export async function storedSeqs(redis: Redis): Promise<number[]> {
  const entries = await redis.xrange(KEYS.values.key, '-', '+');
  return entries.map(([, fields]) => Number(fieldOf(fields, '_seq')));
}

/** The newest base file and file of commands, as paths. */
export async function files(
  container: Container,
): Promise<{ readonly base: string; readonly commands: string; readonly manifest: string }> {
  const names = (await readdir(container.aof)).sort();
  const newest = (kind: string) =>
    join(container.aof, names.findLast((n) => n.includes(kind)) ?? '');
  return { base: newest('.base.'), commands: newest('.incr.'), manifest: newest('.manifest') };
}

/** Changes a file as a power cut or a bad card would. */
export async function damage(path: string, change: (content: Buffer) => Buffer): Promise<void> {
  await writeFile(path, change(await readFile(path)));
}

/**
 * Where each reading of a file of commands ends, in bytes: reading `i` (from 0) survives a cut at or
 * behind `ends[i]`.
 */
export function readingEnds(content: Buffer): number[] {
  const ends: number[] = [];
  let at = 0;
  while (at < content.length) {
    const start = at;
    const lineEnd = content.indexOf('\r\n', at);
    const parts = Number(content.toString('latin1', at + 1, lineEnd));
    at = lineEnd + 2;
    for (let part = 0; part < parts; part += 1) {
      const headEnd = content.indexOf('\r\n', at);
      at = headEnd + 2 + Number(content.toString('latin1', at + 1, headEnd)) + 2;
    }
    const command = content.toString('latin1', start, at);
    if (command.includes('xadd') && command.includes(KEYS.values.key)) ends.push(at);
  }
  return ends;
}

/** 1, 2, ... `count`. */
export function upTo(count: number): number[] {
  return Array.from({ length: count }, (_, i) => i + 1);
}
