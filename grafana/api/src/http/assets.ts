/** The files of the page, as the build has put them beside the service. */
import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import type { Content } from './respond.ts';

const TYPES = {
  'index.html': 'text/html; charset=utf-8',
  'page.js': 'text/javascript; charset=utf-8',
  'page.css': 'text/css; charset=utf-8',
  'icon.svg': 'image/svg+xml',
} as const;

/** @returns by path; empty when the page was not built, the routes work without it */
export function pageAssets(folder: URL): ReadonlyMap<string, Content> {
  const assets = new Map<string, Content>();
  for (const [name, type] of Object.entries(TYPES)) {
    const file = new URL(name, folder);
    if (!existsSync(file)) continue;
    const body = readFileSync(file);
    const etag = `"${createHash('sha256').update(body).digest('base64url').slice(0, 16)}"`;
    assets.set(name === 'index.html' ? '/' : `/${name}`, { body, type, etag });
  }
  return assets;
}
