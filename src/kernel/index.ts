export type { KernelEvents } from './events.js';
export {
  type Interrupt,
  Kernel,
  type KernelConfig,
  type KernelObject,
  type KernelStorage,
  MAIN,
  type MallocFailedHook,
  Stop,
} from './kernel.js';
export { FOREVER, type Queue } from './queue.js';
export { type Program, Task } from './task.js';
