/** Says back the value that it is told. */
export interface Echo {
  id: number;
  value: number;
}
