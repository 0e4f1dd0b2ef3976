/**
 * The page's style, script and icon. Read once at start; each address carries a
 * hash of the content, so that browsers may keep it for ever and a new version
 * is fetched at once.
 */
import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { Router } from 'express';
import { days } from '../time.ts';

const files = [
  { name: 'mauve.css', type: 'text/css; charset=utf-8' },
  { name: 'mauve.js', type: 'text/javascript; charset=utf-8' },
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
  const addresses = new Map<AssetName, string>();
  for (const { name, type } of files) {
    const content = readFileSync(new URL(name, folder()));
    const hash = createHash('sha256').update(content).digest('hex').slice(0, hashLength);
    const path = `/${hash}/${name}`;
    addresses.set(name, `/assets${path}`);
    router.get(path, (_request, response) => {
      response.set('Content-Type', type);
      response.set('Cache-Control', `public, max-age=${keepFor / 1000}, immutable`);
      response.send(content);
    });
  }
  return { router, address: (name) => addresses.get(name) ?? '' };
}

/** Beside this file in the source; one folder further where a bundle lies in dist/. */
function folder(): URL {
  const beside = new URL('./assets/', import.meta.url);
  return existsSync(beside) ? beside : new URL('../assets/', import.meta.url);
}
