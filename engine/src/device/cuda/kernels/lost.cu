// A kernel that ends the device's context, as one that reads where nothing is: launched where a fault is tried out, and nowhere else.
// launch: one block, one thread.

extern "C" __global__ void lost() { asm volatile("trap;"); }
