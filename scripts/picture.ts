/**
 * Makes docs/images/oom.png, the picture in the README: what `npm start` prints, in a terminal's colours, taken
 * by headless Chromium (`CHROMIUM` names another one than `chromium`).
 */

import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import AnsiToHtml from 'ansi-to-html';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const COLUMNS = '100';
/** From the event's headline to the end of the block map. */
const FIRST_LINE = /Out of memory 1 of/;
const LAST_LINE = /Largest holes/;

function terminalOutput(): string {
  const environment = { ...process.env, FORCE_COLOR: '3', COLUMNS };
  const args = [join(ROOT, 'dist/cli/main.js'), 'run', 'scenarios/showcase.yaml', '--inspect'];
  const lines = execFileSync('node', args, { cwd: ROOT, env: environment, encoding: 'utf8' }).split('\n');
  const first = lines.findIndex((line) => FIRST_LINE.test(line));
  const last = lines.findIndex((line) => LAST_LINE.test(line));
  return lines.slice(first, last).join('\n').trimEnd();
}

function page(output: string): string {
  const html = new AnsiToHtml({ fg: '#d8dee9', bg: '#1b1f27', escapeXML: true }).toHtml(output);
  return `<!doctype html><meta charset="utf-8"><style>
    body { margin: 0; background: #1b1f27; }
    pre { margin: 18px 22px; color: #d8dee9; font: 14px/1.32 'DejaVu Sans Mono', monospace; }
  </style><pre><span style="color:#88c0d0">$ npm start</span>\n\n${html}</pre>`;
}

const output = terminalOutput();
const folder = mkdtempSync(join(tmpdir(), 'heaplab-picture-'));
const file = join(folder, 'page.html');
writeFileSync(file, page(output));
mkdirSync(join(ROOT, 'docs/images'), { recursive: true });
const height = Math.ceil((output.split('\n').length + 2) * 14 * 1.32) + 36;
execFileSync(process.env.CHROMIUM ?? 'chromium', [
  '--headless',
  '--no-sandbox',
  '--disable-gpu',
  '--disable-background-networking',
  '--hide-scrollbars',
  '--force-device-scale-factor=1.5',
  `--user-data-dir=${folder}`,
  `--window-size=900,${height}`,
  `--screenshot=${join(ROOT, 'docs/images/oom.png')}`,
  file,
]);
