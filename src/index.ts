/** heaplab as a library: load a scenario and a target, run it on a heap, look at what became of memory. */

export { catalog, findHeap } from './heaps/catalog.js';
export { createHandles, type HeapDefinition, type HeapFacts, type HeapOptions } from './heaps/definition.js';
export {
  AddressHandles,
  ByteBudget,
  type Compaction,
  type CompactionBudget,
  type CompactionTrigger,
  type CompactionWatcher,
  type FullnessAnswer,
  type HandleHeap,
  PinnedHeap,
  type Relocation,
  UNLIMITED,
} from './heaps/handle-heap.js';
export {
  Corruption,
  type Heap,
  HeapCall,
  type HeapLayout,
  type HeapStats,
  type HeapView,
  NULL,
  type PieceKind,
  type PieceVisitor,
} from './heaps/heap.js';
export { type Problem, type ProblemCode, problemLine, UserError } from './input/index.js';
export { Recorder } from './inspect/recorder.js';
export {
  type CompactionEvent,
  type FragmentationMeasures,
  type MapPiece,
  type OutOfMemoryEvent,
  parseResult,
  type RunResult,
} from './inspect/result.js';
export { Clock, Fault, type FaultKind, Memory, type Region } from './mcu/index.js';
export { ScheduleLog } from './report/schedule.js';
export {
  type Block,
  type Call,
  type DistributionOf,
  type Drawn,
  defineScenario,
  type ExpectationsDescription,
  type FullnessDescription,
  type InterruptCalls,
  type InterruptDescription,
  type OomDescription,
  type Patience,
  type QueueDescription,
  type ScenarioDescription,
  type Script,
  type ScriptRandom,
  type Size,
  type TaskCalls,
  type TaskDescription,
  type Time,
  type Waiting,
} from './scenario/define.js';
export { type LoadOptions, loadScenario, loadScenarioAgain, parseScenario } from './scenario/load.js';
export type { Outcome, Scenario, Step } from './scenario/scenario.js';
export { type CostChoice, type CostModel, costModel } from './simulation/cost.js';
export type { RunEvents, RunObserver } from './simulation/events.js';
export { type RunSettings, run } from './simulation/run.js';
export { loadTarget, targetNames } from './targets/load.js';
export { type TargetOverrides, withOverrides } from './targets/overrides.js';
export type { Target } from './targets/target.js';
export { parseTrace, readTrace } from './traces/read.js';
export { Replay, type ReplaySummary } from './traces/replay.js';
export { replayMachine } from './traces/replay-machine.js';
export type { Trace } from './traces/trace.js';
