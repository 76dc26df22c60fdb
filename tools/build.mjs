// Bundles each service into <service>/dist/main.js: one file, so a container needs no node_modules
// beside the native modules. The banner gives bundled CommonJS clients the `require` they expect.
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const root = fileURLToPath(new URL('../', import.meta.url));
const all = ['sensor', 'startstopbutton', 'mqtthandler', 'provisioner', 'grafana/api'];
const wanted = process.argv.length > 2 ? process.argv.slice(2) : all;
const services = wanted.filter((name) => existsSync(`${root}${name}/src/main.ts`));

await build({
  absWorkingDir: root,
  entryPoints: services.map((name) => ({ in: `${name}/src/main.ts`, out: `${name}/dist/main` })),
  outdir: '.',
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

// The page that grafana/api serves: three small files, for any browser of the last years.
if (services.includes('grafana/api')) {
  await build({
    absWorkingDir: `${root}grafana/api`,
    entryPoints: ['page/page.ts', 'page/page.css', 'page/index.html', 'page/icon.svg'],
    outdir: 'dist/page',
    bundle: true,
    minify: true,
    target: ['es2022', 'safari16'],
    format: 'iife',
    charset: 'utf8',
    logLevel: 'warning',
    loader: { '.html': 'copy', '.svg': 'copy' },
  });
}
