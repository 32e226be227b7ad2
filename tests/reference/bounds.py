"""Minima within bounds, found by SciPy's L-BFGS-B in float64: makes bounds.txt.

    python bounds.py > bounds.txt

What it is for: the minimum that another program finds, with another method (Byrd, Lu, Nocedal, Zhu 1995). Every line of
the table is `name value`; a name is PROBLEM.QUANTITY.

PROBLEM   bowl    f(x) = sum of (x_i - 3 sin i)^2 10^(-3 (i % 97) / 96) / 2 + sum of (x_(i+1) - x_i)^2 / 20 over 240
                  numbers, convex; bounds of x_i by i % 3: -1 to 1.5, -2 to 0.5, -0.5 to 2; from 0
          valley  Rosenbrock's chain, f(x) = sum of 100 (x_(i+1) - x_i^2)^2 + (1 - x_i)^2 over 60 numbers; bounds by i % 4:
                  -1.5 to 0.9, 0.3 to 2, -1.5 to 0.7, 0.2 to 1.5; from 0.5, 1, 0.5, 1, ..
QUANTITY  value   f at the minimum
          held    how many numbers stand at a bound there
          atI     x_I there, I = 0, 7, 14, ..
"""
import numpy as np
from scipy.optimize import minimize, rosen, rosen_der

BOWL = np.arange(240)
CURVATURE, CENTRE = 10.0 ** (-3 * (BOWL % 97) / 96), 3 * np.sin(BOWL)


def bowl(x):
    off, rise = x - CENTRE, np.diff(x)
    gradient = CURVATURE * off
    gradient[1:] += rise / 10
    gradient[:-1] -= rise / 10
    return np.sum(CURVATURE * off**2) / 2 + np.sum(rise**2) / 20, gradient


def valley(x):
    return rosen(x), rosen_der(x)


PROBLEMS = {
    "bowl": (bowl, np.zeros(240), [(-1, 1.5), (-2, 0.5), (-0.5, 2)]),
    "valley": (valley, np.tile([0.5, 1.0], 30), [(-1.5, 0.9), (0.3, 2), (-1.5, 0.7), (0.2, 1.5)]),
}


def main():
    print("\n".join(f"# {line}".rstrip() for line in __doc__.strip().splitlines()))
    for name, (f, start, bounds) in PROBLEMS.items():
        bounds = bounds * (len(start) // len(bounds))
        options = {"ftol": 0, "gtol": 1e-10, "maxcor": 20, "maxiter": 10000, "maxfun": 100000}
        found = minimize(f, start, jac=True, method="L-BFGS-B", bounds=bounds, options=options)
        low, high = np.array(bounds).T
        print(f"{name}.value {found.fun:.12e}")
        print(f"{name}.held {np.sum((found.x <= low) | (found.x >= high))}")
        for i in range(0, len(start), 7):
            print(f"{name}.at{i} {found.x[i]:.9e}")


if __name__ == "__main__":
    main()
