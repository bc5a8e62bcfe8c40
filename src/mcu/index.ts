export { Clock } from './clock.js';
export { FAULT_KINDS, Fault, type FaultKind, faultName, faultTitle, hex } from './fault.js';
export { accessesSince, Memory, type Region } from './memory.js';
