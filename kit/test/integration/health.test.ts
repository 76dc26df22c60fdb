import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { leaveSignsOfLife, systemClock } from '@holdfast/kit';
import { until } from '@holdfast/lab/servers';

describe('the sign of life', () => {
  test('says ok with the time since boot, or what is wrong, and soon that it is over', async (t) => {
    const folder = await mkdtemp(join(tmpdir(), 'holdfast-alive-'));
    t.after(async () => rm(folder, { recursive: true }));
    const file = join(folder, 'alive');
    const stop = new AbortController();
    let trouble: string | undefined = 'Redis\nis away';
    const check = async () => {
      if (trouble !== undefined) throw new Error(trouble);
    };
    const running = leaveSignsOfLife({ check, clock: systemClock, file }, stop.signal);
    const says = async (pattern: RegExp) =>
      pattern.test(await readFile(file, 'utf8').catch(() => ''));
    await until('trouble', async () => says(/^\d+\.\d\d Redis is away\n$/));
    trouble = undefined;
    await until('ok', async () => says(/^\d+\.\d\d ok\n$/));
    stop.abort();
    await running;
  });

  test('is not left where there is no folder for it', async () => {
    const check = async () => {};
    const file = '/nonexistent/alive';
    await leaveSignsOfLife({ check, clock: systemClock, file }, new AbortController().signal);
  });
});
