// How long to wait after a keystroke before asking: the same rule as copilot_lib/debounce.py, where it is explained.

const LEAST_MS = 30;
const LONGEST_GAP_MS = 1000;
const TYPICAL_GAP_MS = 150;
const LONGER = 1.5;
const NEWEST = 0.2;

export function debounce() {
  let gap = TYPICAL_GAP_MS;
  let answer = 0;
  let last = null;
  return {
    typed(now, most) {
      if (last !== null && now - last < LONGEST_GAP_MS) gap += NEWEST * (now - last - gap);
      last = now;
      return Math.min(most, Math.max(LEAST_MS, LONGER * gap - answer));
    },
    answered(took) {
      answer = took;
    },
  };
}
