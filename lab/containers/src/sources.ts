/** A copy of the sources, to be changed by a test. */
import { cp, mkdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { dataFolder } from '@holdfast/lab/servers';
import { run } from './run.ts';
import { ROOT } from './stack.ts';

/** All files of the repository that git knows or would take, in a new folder that goes with this process. */
export async function copyOfSources(): Promise<string> {
  const folder = dataFolder('sources');
  const listed = await run('git', ['ls-files', '-co', '--exclude-standard', '--deduplicate'], {
    cwd: ROOT,
  });
  for (const file of listed.trim().split('\n')) {
    await mkdir(dirname(join(folder, file)), { recursive: true });
    await cp(join(ROOT, file), join(folder, file), { preserveTimestamps: true });
  }
  return folder;
}
