export { loadTarget, targetNames } from './load.js';
export { type TargetOverrides, withOverrides } from './overrides.js';
export { type MemoryPlan, memoryPlan } from './plan.js';
export type { Target, TargetKernel, TargetRegion } from './target.js';
