/** z3, by its C interface: what the high-level one builds is here read from text. */

import { init, killThreads, Z3_lbool } from 'z3-solver';

/** No values; or values by name. */
export type Answer =
  | { readonly found: false }
  | { readonly found: true; readonly values: Map<string, number> };

export class Solver {
  private constructor(private readonly api: Awaited<ReturnType<typeof init>>) {}

  static async start(): Promise<Solver> {
    return new Solver(await init());
  }

  /** Looks for values that satisfy an SMT-LIB text without commands. */
  async ask(text: string): Promise<Answer> {
    const { Z3 } = this.api;
    const config = Z3.mk_config();
    const context = Z3.mk_context_rc(config);
    Z3.del_config(config);
    // Twice as fast as a solver for any logic.
    const logic = /\(set-logic (\w+)\)/.exec(text)![1]!;
    const solver = Z3.mk_solver_for_logic(context, Z3.mk_string_symbol(context, logic));
    Z3.solver_inc_ref(context, solver);
    try {
      Z3.solver_from_string(context, solver, text);
      const result = await Z3.solver_check(context, solver);
      if (result === Z3_lbool.Z3_L_FALSE) return { found: false };
      if (result === Z3_lbool.Z3_L_UNDEF) {
        throw new Error(`z3 gives up: ${Z3.solver_get_reason_unknown(context, solver)}`);
      }
      const model = Z3.solver_get_model(context, solver);
      return { found: true, values: valuesIn(Z3.model_to_string(context, model)) };
    } finally {
      Z3.solver_dec_ref(context, solver);
      Z3.del_context(context);
    }
  }

  /** Its threads would keep the process alive. */
  async stop(): Promise<void> {
    await killThreads(this.api.em);
  }
}

/** Lines such as `request -> #x00000003f`, `request -> 63` or `request -> (- 63)`. */
function valuesIn(model: string): Map<string, number> {
  const values = new Map<string, number>();
  for (const [, name, minus, digits] of model.matchAll(/(\S+) -> (\(- )?(\d+)/g)) {
    values.set(name!, Number(digits) * (minus === undefined ? 1 : -1));
  }
  for (const [, name, base, digits] of model.matchAll(/(\S+) -> #([xb])([0-9a-f]+)/g)) {
    const width = digits!.length * (base === 'x' ? 4 : 1);
    values.set(name!, Number(BigInt.asIntN(width, BigInt(`0${base}${digits}`))));
  }
  return values;
}
