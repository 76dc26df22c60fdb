// Bundles the tests that run in the VM into dist/tests.js: translating TypeScript in there would take
// longer than the tests. It stands where the native modules of the repository are found.
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

await build({
  absWorkingDir: fileURLToPath(new URL('.', import.meta.url)),
  entryPoints: ['test/vm/main.ts'],
  outfile: 'dist/tests.js',
  bundle: true,
  platform: 'node',
  target: 'node20',
  format: 'esm',
  sourcemap: true,
  sourcesContent: false,
  logLevel: 'warning',
  external: ['i2c-bus', 'onoff'],
  banner: {
    js: "import { createRequire as __createRequire } from 'node:module'; const require = __createRequire(import.meta.url);",
  },
});
