export { Clock } from './clock.js';
export { Fault, type FaultKind, hex } from './fault.js';
export { accessesSince, Memory, type Region } from './memory.js';
