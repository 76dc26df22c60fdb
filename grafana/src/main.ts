/** Writes `dashboards/*.json`, which stand in the repository and go into the image. */
import { mkdir, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { DASHBOARDS, fileText } from './files.ts';

const folder = fileURLToPath(new URL('../dashboards/', import.meta.url));
await mkdir(folder, { recursive: true });
for (const [name, dashboard] of Object.entries(DASHBOARDS)) {
  await writeFile(`${folder}${name}`, fileText(dashboard));
  console.log(`${folder}${name}`);
}
