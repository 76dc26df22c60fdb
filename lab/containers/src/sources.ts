/** A copy of the sources, to be changed by a test. */
import { cp, mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { dataFolder } from '@holdfast/lab/servers';
import { parseDocument } from 'yaml';
import { run } from './run.ts';
import { ROOT } from './stack.ts';

/**
 * All files of the repository that git knows or would take, in a new folder that goes with this
 * process. Services `without` are taken out of the compose file.
 */
export async function copyOfSources(
  options: { readonly without?: readonly string[] } = {},
): Promise<string> {
  const folder = dataFolder('sources');
  const words = ['ls-files', '-co', '--exclude-standard', '--deduplicate'];
  const listed = await run('git', words, { cwd: ROOT });
  for (const file of listed.trim().split('\n')) {
    await mkdir(dirname(join(folder, file)), { recursive: true });
    await cp(join(ROOT, file), join(folder, file), { preserveTimestamps: true });
  }
  const { without = [] } = options;
  if (without.length > 0) {
    const file = join(folder, 'docker-compose.yml');
    const compose = parseDocument(await readFile(file, 'utf8'), { merge: true });
    for (const service of without) compose.deleteIn(['services', service]);
    await writeFile(file, compose.toString());
  }
  return folder;
}
