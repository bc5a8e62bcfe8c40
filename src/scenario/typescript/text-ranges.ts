/** Positions as problems have them, from the compiler's. */

import type ts from 'typescript';
import type { Path } from '../../input/files.js';
import type { Position } from '../../input/index.js';

export interface TextRange {
  readonly start: Position;
  readonly end?: Position;
}

export function positionAt(file: ts.SourceFileLike, offset: number): Position {
  const { line, character } = file.getLineAndCharacterOfPosition!(offset);
  return { line: line + 1, column: character + 1 };
}

/** Of what is on several lines only the beginning: a range says most where it is short. */
export function rangeBetween(file: ts.SourceFileLike, from: number, to: number): TextRange {
  const start = positionAt(file, from);
  const end = positionAt(file, to);
  return end.line === start.line ? { start, end } : { start };
}

export function rangeOf(file: ts.SourceFile, node: ts.Node): TextRange {
  return rangeBetween(file, node.getStart(file), node.getEnd());
}

/** Finds the part of an object that a program writes down; the nearest part above it where there is none. */
export function partRange(
  typescript: typeof ts,
  file: ts.SourceFile,
  whole: ts.Expression,
  path: Path,
  at: 'key' | 'value',
): TextRange {
  let found: { readonly key: ts.Node; readonly value: ts.Node } = { key: whole, value: whole };
  let isComplete = true;
  for (const step of path) {
    const part = partOf(typescript, found.value, step);
    isComplete &&= part !== undefined;
    if (part === undefined) break;
    found = part;
  }
  return rangeOf(file, at === 'key' || !isComplete ? found.key : found.value);
}

function partOf(typescript: typeof ts, node: ts.Node, step: string | number) {
  const whole = typescript.isExpression(node) ? bare(typescript, node) : node;
  if (typescript.isArrayLiteralExpression(whole)) {
    const item = whole.elements[Number(step)];
    return item && { key: item, value: item };
  }
  if (!typescript.isObjectLiteralExpression(whole)) return undefined;
  const property = whole.properties.find(
    ({ name }) => name !== undefined && nameText(typescript, name) === step,
  );
  if (property?.name === undefined) return undefined;
  return {
    key: property.name,
    value: typescript.isPropertyAssignment(property) ? property.initializer : property.name,
  };
}

function nameText(typescript: typeof ts, name: ts.PropertyName): string | undefined {
  return typescript.isIdentifier(name) || typescript.isStringLiteralLike(name) ? name.text : undefined;
}

/** Without parentheses and what only the type checker looks at. */
export function bare(typescript: typeof ts, expression: ts.Expression): ts.Expression {
  let inner = expression;
  while (isTransparent(typescript, inner)) inner = inner.expression;
  return inner;
}

/** Whether a node's value is that of the expression in it. */
export function isTransparent(
  typescript: typeof ts,
  node: ts.Node,
): node is ts.ParenthesizedExpression | ts.AsExpression | ts.SatisfiesExpression | ts.NonNullExpression {
  return (
    typescript.isParenthesizedExpression(node) ||
    typescript.isAsExpression(node) ||
    typescript.isSatisfiesExpression(node) ||
    typescript.isNonNullExpression(node)
  );
}
