export { beginningWith, nearest } from './nearest.js';
export { type Position, type Problem, type ProblemCode, problemLine, UserError } from './problem.js';
export { fileErrorReason, readFileBytes, unreadable } from './read-text.js';
export {
  type Duration,
  formatBytes,
  formatDuration,
  formatSeconds,
  groupDigits,
  parseBytes,
  parseDuration,
  parseHertz,
  parsePercent,
} from './units.js';
