/** What is wrong with the user's files and flags, each with the lines it is about. */

import type { Position, Problem, UserError } from '../input/index.js';
import { item, MARGIN, paragraph, stack } from './layout.js';
import { columnsOf, type Paint } from './paint.js';
import { counted } from './phrases.js';
import { cut, wrap } from './text.js';

type CodeFrame = typeof import('@babel/code-frame');

const SHOWN_PROBLEMS = 20;
const LINES_ABOVE = 2;
const LINES_BELOW = 1;

export async function problemReport(error: UserError, paint: Paint): Promise<string> {
  // Only those who made a mistake wait for it to load.
  const { codeFrameColumns } = await import('@babel/code-frame');
  const { problems, more } = error;
  const drawing: Drawing = { codeFrameColumns, linesOf: splitOnce() };
  const shown = problems.slice(0, SHOWN_PROBLEMS);
  return stack([
    ...shown.map((problem) => problemText(problem, drawing, paint)),
    count(problems.length + more, shown.length, paint),
  ]);
}

function count(all: number, shown: number, { color }: Paint): string {
  const total = color.red.bold(counted(all, 'problem'));
  return shown === all ? total : `${total}, the first ${shown} shown`;
}

/** What code frames are made with. */
interface Drawing {
  readonly codeFrameColumns: CodeFrame['codeFrameColumns'];
  linesOf(source: string): readonly string[];
}

/** Many problems of one long file are split into lines once. */
function splitOnce(): (source: string) => readonly string[] {
  const known = new Map<string, readonly string[]>();
  return (source) => {
    const lines = known.get(source) ?? source.split(/\r\n|[\n\r\u2028\u2029]/);
    known.set(source, lines);
    return lines;
  };
}

function problemText(problem: Problem, drawing: Drawing, paint: Paint): string {
  const { expected, nearest } = problem;
  const parts = [headline(problem, paint), frame(problem, drawing, paint)];
  if (expected !== undefined) parts.push(item(`expected: ${expected}`, paint));
  if (nearest !== undefined) parts.push(paragraph(`did you mean "${nearest}"?`, paint, paint.color.green));
  return parts.filter((part) => part !== '').join('\n');
}

/** `demo.yaml:12:5: error[unknown-key]: unknown key "stak"` */
function headline({ code, file, start, message }: Problem, paint: Paint): string {
  const place = [file, start?.line, start?.column].filter((part) => part !== undefined).join(':');
  const prefix = place === '' ? '' : `${place}: `;
  const label = `error[${code}]`;
  return wrap(`${prefix}${label}: ${message}`, columnsOf(paint), 2)
    .map((line) => paint.color.bold(line).replace(label, paint.color.red(label)))
    .join('\n');
}

/** The blamed line with a line or two around it; nothing where the text is not known. */
function frame(
  { source, start, end }: Problem,
  { codeFrameColumns, linesOf }: Drawing,
  paint: Paint,
): string {
  if (source === undefined || start === undefined) return '';
  const last = start.line + LINES_BELOW;
  const first = Math.max(1, start.line - LINES_ABOVE);
  const room = columnsOf(paint) - MARGIN.length - `> ${last} | `.length;
  const shift = start.column <= room ? 0 : start.column - Math.floor(room / 2);
  const lines = linesOf(source)
    .slice(first - 1, last)
    .map((line) => visiblePart(line, shift, room));
  const column = start.column - shift;
  const lineEnd = (lines[start.line - first] ?? '').length + 1;
  const options = { linesAbove: LINES_ABOVE, linesBelow: LINES_BELOW, startLine: first };
  const range = {
    start: { line: start.line, column },
    end: {
      line: start.line,
      column: Math.max(column + 1, Math.min(lineEnd, column + blamedColumns(start, end))),
    },
  };
  return codeFrameColumns(lines.join('\n'), range, options)
    .split('\n')
    .map((line) => `${MARGIN}${frameLine(line, paint)}`.trimEnd())
    .join('\n');
}

function blamedColumns(start: Position, end: Position | undefined): number {
  return end?.line === start.line ? Math.max(1, end.column - start.column) : 1;
}

/** Long lines are scrolled sideways until the mistake is in view. Columns stay what they are. */
function visiblePart(line: string, shift: number, room: number): string {
  const shown = line.replace(/\p{Cc}/gu, (control) => (control === '\t' ? ' ' : '\ufffd')).slice(shift);
  return cut(shift === 0 || shown === '' ? shown : `…${shown.slice(1)}`, room);
}

/** Ours are YAML and traces: babel's own colours are those of JavaScript. */
function frameLine(line: string, { color }: Paint): string {
  const [all, mark, gutter, text] = /^([> ])( *\d* \|)(.*)$/.exec(line) ?? [];
  if (all === undefined) return line;
  const underline = /^ +\|$/.test(gutter!);
  return `${mark === '>' ? color.red(mark) : ' '}${color.dim(gutter)}${underline ? color.red.bold(text) : text}`;
}
