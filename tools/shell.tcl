# shell.tcl --
#
#	What "make shell" runs: loads the package, then reads commands.  Without
#	a terminal it reads them from its input as tclsh does.

package require pyossl
set tcl_interactive 1
namespace eval ::pyosslShell {}

# The prompt loop of tclsh, since a script that ends does not come to it.
proc ::pyosslShell::run {} {
    set terminal [expr {![catch {fconfigure stdin -mode}]}]
    if {$terminal} {
	puts "pyossl [package provide pyossl] on Tcl [info patchlevel]"
    }
    set command ""
    while 1 {
	if {$terminal} {
	    puts -nonewline [expr {$command eq "" ? "% " : "> "}]
	    flush stdout
	}
	# The event loop runs while the user thinks.
	fileevent stdin readable {set ::pyosslShell::ready 1}
	vwait ::pyosslShell::ready
	fileevent stdin readable {}
	if {[gets stdin line] < 0} {
	    break
	}
	append command $line
	if {![info complete $command\n]} {
	    append command \n
	    continue
	}
	set status [catch {uplevel #0 $command} result]
	set command ""
	if {$status == 1} {
	    puts stderr $result
	} elseif {$result ne ""} {
	    puts $result
	}
    }
}
::pyosslShell::run
