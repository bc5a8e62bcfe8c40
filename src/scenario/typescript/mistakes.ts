/** Mistakes that compile: calls that are never made, and values that are different in every run. */

import type ts from 'typescript';
import { rangeOf, type TextRange } from './text-ranges.js';

export interface Mistake extends TextRange {
  readonly message: string;
  readonly expected: string;
}

/** The methods of a description. */
const SCRIPTS: readonly string[] = ['script', 'hook', 'idleHook'];

/** What is wrong with `node` itself. */
export function findMistakes(
  typescript: typeof ts,
  program: ts.Program,
  file: ts.SourceFile,
  node: ts.Node,
): Mistake[] {
  const forgotten = forgottenCall(typescript, program, node);
  if (forgotten !== undefined) {
    const text = forgotten.getText(file).replace(/\s+/g, ' ');
    const message = 'this call is never made: "yield*" is missing before it';
    return [{ ...rangeOf(file, forgotten), message, expected: `yield* ${text}` }];
  }
  if (isBareYield(typescript, node)) {
    const message = 'a script gives up the CPU in its calls only';
    return [{ ...rangeOf(file, node), message, expected: 'yield* task.yield()' }];
  }
  const name = differentEveryTime(typescript, node);
  if (name === undefined) return [];
  const expected = name === 'Math.random' ? 'task.random, task.draw or a distribution' : 'task.now, the tick';
  return [{ ...rangeOf(file, node), message: `"${name}" would make every run a different one`, expected }];
}

/** `task.free(block);` or `yield task.free(block)`. */
function forgottenCall(typescript: typeof ts, program: ts.Program, node: ts.Node): ts.Expression | undefined {
  const isAlone = typescript.isExpressionStatement(node);
  const isYielded = typescript.isYieldExpression(node) && node.asteriskToken === undefined;
  const expression = isAlone || isYielded ? node.expression : undefined;
  if (expression === undefined) return undefined;
  const symbol = program.getTypeChecker().getTypeAtLocation(expression).getSymbol();
  const declaredIn = symbol?.declarations?.[0]?.getSourceFile().fileName ?? '';
  return symbol?.name === 'Call' && /\/scenario\/calls\.(d\.)?ts$/.test(declaredIn) ? expression : undefined;
}

/** Also refused by the types, which cannot say where. */
function isBareYield(typescript: typeof ts, node: ts.Node): boolean {
  if (!typescript.isYieldExpression(node) || node.asteriskToken !== undefined) return false;
  const inside = typescript.findAncestor(node, typescript.isFunctionLike);
  const name = inside?.name;
  return name !== undefined && typescript.isIdentifier(name) && SCRIPTS.includes(name.text);
}

function differentEveryTime(typescript: typeof ts, node: ts.Node): string | undefined {
  if (typescript.isPropertyAccessExpression(node) && typescript.isIdentifier(node.expression)) {
    const name = `${node.expression.text}.${node.name.text}`;
    return name === 'Math.random' || name === 'Date.now' ? name : undefined;
  }
  const isDate =
    (typescript.isNewExpression(node) || typescript.isCallExpression(node)) &&
    typescript.isIdentifier(node.expression) &&
    node.expression.text === 'Date';
  return isDate && (node.arguments?.length ?? 0) === 0 ? 'Date' : undefined;
}
