import { describe, expect, it } from 'vitest';
import { fileErrorReason } from '../../src/input/index.js';

const failed = (code: string) => Object.assign(new Error(`${code}: what the system says`), { code });

describe('why a file cannot be used', () => {
  it.each(['EACCES', 'EPERM'])('%s is about what was to be done with it', (code) => {
    expect(fileErrorReason(failed(code))).toBe('it may not be read');
    expect(fileErrorReason(failed(code), 'written')).toBe('it may not be written');
  });

  it("is in the system's words where there are no others", () => {
    expect(fileErrorReason(failed('ENOSPC'), 'written')).toBe('there is no room left');
    expect(fileErrorReason(failed('EIO'))).toBe('EIO: what the system says');
  });
});
