// Copies native modules with all they need at run time, and nothing they need only to be built:
//
//   node tools/native-modules.mjs FOLDER MODULE...     fills FOLDER/node_modules
//
// A bundle contains all other code; native modules load their `.node` file from a place of their own.
import { cpSync, existsSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';

/** Headers of the C++ interface: in `dependencies`, but of no use once it is built. */
const BUILD_ONLY = new Set(['nan', 'node-addon-api']);
const FOLDERS_LEFT_OUT =
  /\/(src|test|integration-test|examples?|doc|deps|obj\.target|\.deps)(\/|$)/;
const WANTED = /\.(js|json|node)$/;

const [target, ...wanted] = process.argv.slice(2);
const modules = new Set(wanted);
for (const name of modules) {
  const from = join('node_modules', name);
  if (!existsSync(from)) throw new Error(`${from} is not installed`);
  const { dependencies = {} } = JSON.parse(readFileSync(join(from, 'package.json'), 'utf8'));
  for (const one of Object.keys(dependencies)) if (!BUILD_ONLY.has(one)) modules.add(one);
  cpSync(from, join(target, from), {
    recursive: true,
    filter: (path) =>
      !FOLDERS_LEFT_OUT.test(path.slice(from.length)) &&
      (statSync(path).isDirectory() || WANTED.test(path)),
  });
}
console.log(`native modules: ${[...modules].join(', ')}`);
