/** The parts that all reports are made of: titles, paragraphs, named facts. */

import { columnsOf, type Paint, textColumnsOf } from './paint.js';
import { padEnd, wrap } from './text.js';

export const MARGIN = '  ';

export function title(text: string, paint: Paint): string {
  return wrap(text, columnsOf(paint))
    .map((line) => paint.color.bold(line))
    .join('\n');
}

/** A sentence or several, folded. */
export function paragraph(
  text: string,
  paint: Paint,
  style: (line: string) => string = (line) => line,
): string {
  return wrap(text, textColumnsOf(paint) - MARGIN.length)
    .map((line) => MARGIN + style(line))
    .join('\n');
}

/** The first line stands out to the left, the others are indented under it. */
export function item(text: string, paint: Paint): string {
  return wrap(text, textColumnsOf(paint) - MARGIN.length, 2)
    .map((line) => MARGIN + line)
    .join('\n');
}

export type Fact = readonly [name: string, text: string];

/** Names to the left, texts to the right, folded. An empty name continues the fact above. */
export function facts(rows: readonly Fact[], paint: Paint, nameColumns = 14): string {
  const lines: string[] = [];
  for (const [name, text] of rows) {
    const folded = wrap(text, textColumnsOf(paint) - MARGIN.length - nameColumns);
    folded.forEach((line, index) => {
      const label = padEnd(index === 0 ? name : '', nameColumns);
      lines.push((MARGIN + paint.color.dim(label) + line).trimEnd());
    });
  }
  return lines.join('\n');
}

/** Sections one below the other, with a blank line between; undefined and empty ones are left out. */
export function stack(sections: readonly (string | undefined)[]): string {
  return sections.filter((section) => section !== undefined && section !== '').join('\n\n');
}

/** A title and what belongs under it, or nothing where there is nothing under it. */
export function section(name: string, body: string | undefined, paint: Paint): string | undefined {
  return body === undefined || body === '' ? undefined : `${title(name, paint)}\n${body}`;
}
