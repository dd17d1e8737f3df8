import { Color, Mesh, MeshStandardMaterial, RingGeometry, type WebGLProgramParametersWithUniforms } from "three";

/** Lines a metre apart by default, with a stronger one every fifth. */
const uniforms = () => ({
  gridColor: { value: new Color() },
  gridCell: { value: 1 },
});

/** A wide floor that takes shadows, has a thin grid and fades into the background. */
export class Ground {
  readonly mesh: Mesh;
  readonly #material = new MeshStandardMaterial({ roughness: 0.94, metalness: 0, transparent: true });
  readonly #uniforms = uniforms();

  constructor() {
    // A darker sky for the ground than for things: shadows show better.
    this.#material.envMapIntensity = 0.45;
    this.#material.onBeforeCompile = (shader) => addGrid(shader, this.#uniforms);
    this.mesh = new Mesh(new RingGeometry(0, 1, 48, 12), this.#material);
    this.mesh.receiveShadow = true;
    this.mesh.renderOrder = -1;
  }

  /** `size`: how large the scene is, m. The cell is the power of ten, or half or a fifth of it, that suits. */
  place(height: number, size: number): void {
    const radius = Math.max(4, size * 9);
    this.mesh.position.set(0, 0, height - 0.0005 * size);
    this.mesh.scale.setScalar(radius);
    const decade = 10 ** Math.floor(Math.log10(size));
    this.#uniforms.gridCell.value = size / decade > 5 ? decade : size / decade > 2 ? decade / 2 : decade / 5;
  }

  /** Keeps the visible part about a point; the grid stays where it is in the world. */
  centre(x: number, y: number): void {
    this.mesh.position.setX(x).setY(y);
  }

  paint(ground: Color, grid: Color): void {
    this.#material.color.copy(ground);
    this.#uniforms.gridColor.value.copy(grid);
  }
}

function addGrid(shader: WebGLProgramParametersWithUniforms, values: ReturnType<typeof uniforms>): void {
  Object.assign(shader.uniforms, values);
  shader.vertexShader = shader.vertexShader
    .replace("#include <common>", "#include <common>\nvarying vec2 vGround;\nvarying float vAway;")
    .replace(
      "#include <begin_vertex>",
      "#include <begin_vertex>\nvGround = (modelMatrix * vec4(position, 1.0)).xy;\nvAway = length(position.xy);",
    );
  shader.fragmentShader = shader.fragmentShader
    .replace(
      "#include <common>",
      `#include <common>
      varying vec2 vGround;
      varying float vAway;
      uniform vec3 gridColor;
      uniform float gridCell;
      float gridLine(float cell, float width) {
        vec2 at = vGround / cell;
        vec2 blur = fwidth(at) * width;
        vec2 line = 1.0 - smoothstep(vec2(0.0), blur, abs(fract(at - 0.5) - 0.5));
        // Lines closer than a few pixels would only flicker.
        vec2 sparse = 1.0 - smoothstep(0.06, 0.3, fwidth(at));
        return max(line.x * sparse.x, line.y * sparse.y);
      }`,
    )
    .replace(
      "#include <color_fragment>",
      `#include <color_fragment>
      float fade = 1.0 - smoothstep(0.12, 0.92, vAway);
      float grid = max(0.4 * gridLine(gridCell, 1.3), 0.8 * gridLine(gridCell * 5.0, 1.5));
      diffuseColor.rgb = mix(diffuseColor.rgb, gridColor, grid);
      diffuseColor.a *= fade;`,
    );
}
