/** Of tesseract.js-core, which has no types: what is used here. */
declare module "tesseract.js-core/tesseract-core-simd-lstm.js" {
  export interface TessBaseApi {
    /** 0 if it went well. */
    Init(dataPath: null, language: string, engine: number): number;
    SetVariable(name: string, value: string): void;
    /** Reads /input; 0 if it went well. */
    SetImageFile(exifOrientation: number, angle: number): number;
    Recognize(monitor: null): number;
    GetUTF8Text(): string;
    /** From 0 to 100. */
    MeanTextConf(): number;
  }
  export interface TesseractCore {
    FS: { writeFile(path: string, data: Uint8Array): void; unlink(path: string): void };
    TessBaseAPI: new () => TessBaseApi;
  }
  export default function load(options: object): Promise<TesseractCore>;
}
