# wine.tcl --
#
#	Sourced by all.tcl and common.tcl on Windows.
#
#	Once in some ten thousand times a process dies in Wine before it runs
#	(its loader loses the connection to Wine's server).  Windows calls that
#	an internal error, Tcl an invalid argument.  Nothing has been done by
#	then, so [exec] and [open] try again here; what is no accident fails
#	each time.

foreach command {exec open} {
    rename ::$command ::plain[string totitle $command]
    proc ::$command args [format {
	for {set i 1} {1} {incr i} {
	    if {![catch {%s {*}$args} result options] || $i == 3
		    || ![string match {couldn't execute "*": invalid argument} $result]} {
		dict incr options -level
		return -options $options $result
	    }
	}
    } ::plain[string totitle $command]]
}
unset command
