/** The variables of a function under translation, and what they are at one place of it. */

import type ts from 'typescript';
import type { Truth } from '../formula/expression.js';
import { merge, type Value } from './values.js';

/** Where names are looked up; a module's are evaluated when first asked for. */
export class Scope {
  private values = new Map<string, Value | (() => Value)>();

  constructor(private readonly outer?: Scope) {}

  declare(name: string, value: Value | (() => Value)): void {
    this.values.set(name, value);
  }

  get(name: string): Value | undefined {
    const value = this.values.get(name);
    if (value === undefined) return this.outer?.get(name);
    if (typeof value !== 'function') return value;
    const evaluated = value();
    this.values.set(name, evaluated);
    return evaluated;
  }

  /** Whether there is a variable of that name from here up to `outermost`. */
  assign(name: string, value: Value, outermost: Scope): boolean {
    if (this.values.has(name)) {
      this.values.set(name, value);
      return true;
    }
    return this !== outermost && this.outer !== undefined && this.outer.assign(name, value, outermost);
  }

  /** What all variables from here up to `outermost` are, innermost first. */
  snapshot(outermost: Scope): Snapshot {
    const own = new Map(this.values);
    return this === outermost || this.outer === undefined ? [own] : [own, ...this.outer.snapshot(outermost)];
  }

  restore([own, ...outer]: Snapshot): void {
    this.values = new Map(own);
    if (outer.length > 0) this.outer!.restore(outer);
  }
}

export type Snapshot = readonly ReadonlyMap<string, Value | (() => Value)>[];

export function mergeAll(condition: Truth, then: Snapshot, otherwise: Snapshot, node: ts.Node): Snapshot {
  return then.map((values, depth) => {
    const merged = [...values].map(([name, value]) => {
      const other = otherwise[depth]!.get(name);
      if (other === undefined || other === value) return [name, value] as const;
      return [name, merge(condition, value as Value, other as Value, node)] as const;
    });
    return new Map([...otherwise[depth]!, ...merged]);
  });
}
