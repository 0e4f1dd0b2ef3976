/**
 * The page's style, scripts and icon. Read once at start; their addresses carry
 * a hash of all their content, so that browsers may keep them for ever and a new
 * version is fetched at once. One hash for all, so that the scripts find each
 * other beside them.
 */
import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { Router } from 'express';
import { days } from '../time.ts';

const files = [
  { name: 'mauve.css', type: 'text/css; charset=utf-8' },
  { name: 'mauve.js', type: 'text/javascript; charset=utf-8' },
  { name: 'feed.js', type: 'text/javascript; charset=utf-8' },
  { name: 'hands.js', type: 'text/javascript; charset=utf-8' },
  { name: 'ahead.js', type: 'text/javascript; charset=utf-8' },
  { name: 'icon.svg', type: 'image/svg+xml' },
] as const;
export type AssetName = (typeof files)[number]['name'];

const keepFor = days(365);
const hashLength = 12;

export type Assets = {
  /** The address of that file, hash and all. */
  readonly address: (name: AssetName) => string;
  readonly router: Router;
};

/** @throws where the files are missing: the program is not installed whole. */
export function openAssets(): Assets {
  const router = Router();
  const contents = files.map((file) => ({ ...file, content: readFileSync(new URL(file.name, folder())) }));
  const all = createHash('sha256');
  for (const { content } of contents) all.update(content);
  const hash = all.digest('hex').slice(0, hashLength);
  for (const { name, type, content } of contents) {
    router.get(`/${hash}/${name}`, (_request, response) => {
      response.set('Content-Type', type);
      response.set('Cache-Control', `public, max-age=${keepFor / 1000}, immutable`);
      response.send(content);
    });
  }
  return { router, address: (name) => `/assets/${hash}/${name}` };
}

/** Beside this file in the source; one folder further where a bundle lies in dist/. */
function folder(): URL {
  const beside = new URL('./assets/', import.meta.url);
  return existsSync(beside) ? beside : new URL('../assets/', import.meta.url);
}
