/* The smallest program: what floor.c starts. */
int
main(void)
{
	return 0;
}
