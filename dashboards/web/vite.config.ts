/**
 * How the window is built: one page, hashed assets, everything small.
 *
 * Three things beyond Vite's own: the entry's style stands in the page itself (one round trip less; whoever serves the
 * page allows it by its hash, see `inline_hashes` in `dashboards/__init__.py`), the service worker is told every file,
 * and every file lies beside its .br and .gz.
 */

import { createHash } from 'node:crypto';
import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { brotliCompressSync, constants, gzipSync } from 'node:zlib';
import { svelte } from '@sveltejs/vite-plugin-svelte';
import { defineConfig, type Plugin } from 'vite';

const LIVE = process.env['COLDCHAIN_DESK'] ?? 'http://127.0.0.1:8000';

/** What the page needs at once stands in the page: the style, the place of the words. */
function shell(): Plugin {
  return {
    name: 'shell',
    apply: 'build',
    enforce: 'post',
    transformIndexHtml: {
      order: 'post',
      handler(html, { bundle }) {
        if (!bundle) return html;
        let page = html;
        const words: Record<string, string> = {};
        for (const [name, file] of Object.entries(bundle)) {
          const language = file.type === 'chunk' && /\/words\/(\w+)\.ts$/.exec(file.facadeModuleId ?? '')?.[1];
          if (language) words[language] = `/${name}`;
          const link = new RegExp(`<link rel="stylesheet"[^>]*href="/${name.replaceAll('.', '\\.')}"[^>]*>`);
          if (file.type === 'asset' && name.endsWith('.css') && link.test(page)) {
            page = page.replace(link, () => `<style>${String(file.source)}</style>`);
            delete bundle[name];
          }
        }
        return page.replace('"%WORDS%"', () => JSON.stringify(words));
      },
    },
  };
}

/** The service worker is told every file; and beside each file that gains by it lie a .br and a .gz. */
function finished(): Plugin {
  let directory = 'dist';
  return {
    name: 'finished',
    apply: 'build',
    enforce: 'post',
    configResolved(config) {
      directory = config.build.outDir;
    },
    closeBundle() {
      const assets = readdirSync(join(directory, 'assets')).sort().map((name) => `/assets/${name}`);
      const page = readFileSync(join(directory, 'index.html'));
      const version = createHash('sha256').update(assets.join()).update(page).digest('hex').slice(0, 12);
      const worker = readFileSync(join(directory, 'sw.js'), 'utf8');
      writeFileSync(join(directory, 'sw.js'), worker.replace('%VERSION%', version).replace('%FILES%', assets.join(' ')));
      for (const name of readdirSync(directory, { recursive: true, encoding: 'utf8' })) {
        const path = join(directory, name);
        if (!statSync(path).isFile() || !/\.(html|js|css|svg|webmanifest)$/.test(name)) continue;
        const plain = readFileSync(path);
        writeFileSync(`${path}.br`, brotliCompressSync(plain, { params: { [constants.BROTLI_PARAM_QUALITY]: 11 } }));
        writeFileSync(`${path}.gz`, gzipSync(plain, { level: 9 }));
      }
    },
  };
}

export default defineConfig({
  plugins: [svelte(), shell(), finished()],
  build: {
    target: ['chrome87', 'firefox85', 'safari14'],
    modulePreload: { polyfill: false },
    rolldownOptions: {
      input: { index: 'index.html', sw: 'src/sw.ts' },
      output: { entryFileNames: (chunk) => (chunk.name === 'sw' ? 'sw.js' : 'assets/[name]-[hash].js') },
    },
  },
  server: { proxy: { '/api': LIVE, '/health': LIVE } },
});
