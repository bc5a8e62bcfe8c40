/** What the names at the top of a module mean: its functions and constants, and those that it imports. */

import ts from 'typescript';
import { Scope } from './scope.js';
import type { Sources } from './sources.js';
import { refuse, type Value } from './values.js';

export class Modules {
  private readonly scopes = new Map<string, Scope>();

  constructor(
    private readonly sources: Sources,
    private readonly evaluate: (node: ts.Expression, scope: Scope) => Value,
  ) {}

  scope(file: string): Scope {
    let scope = this.scopes.get(file);
    if (scope === undefined) {
      scope = new Scope();
      this.scopes.set(file, scope);
      for (const statement of this.sources.tree(file).statements) this.declare(statement, scope, file);
    }
    return scope;
  }

  private declare(statement: ts.Statement, scope: Scope, file: string): void {
    if (ts.isFunctionDeclaration(statement)) {
      scope.declare(statement.name!.text, { kind: 'closure', node: statement, scope });
    } else if (ts.isVariableStatement(statement)) {
      for (const { name, initializer } of statement.declarationList.declarations) {
        if (initializer !== undefined) scope.declare(name.getText(), () => this.evaluate(initializer, scope));
      }
    } else if (ts.isImportDeclaration(statement)) {
      this.declareNames(statement, statement.importClause?.namedBindings, scope, file);
    } else if (ts.isExportDeclaration(statement)) {
      this.declareNames(statement, statement.exportClause, scope, file);
    }
  }

  private declareNames(
    { moduleSpecifier }: ts.ImportDeclaration | ts.ExportDeclaration,
    clause: ts.NamedImportBindings | ts.NamedExportBindings | undefined,
    scope: Scope,
    file: string,
  ): void {
    if (moduleSpecifier === undefined || clause === undefined || !('elements' in clause)) return;
    const from = this.sources.resolve((moduleSpecifier as ts.StringLiteral).text, file);
    if (from === undefined) return;
    for (const { name, propertyName } of clause.elements) {
      const original = (propertyName ?? name).text;
      const value = () => this.scope(from).get(original) ?? refuse(name, `${original} is not in ${from}`);
      scope.declare(name.text, value);
    }
  }
}
